#version 330
uniform mat4 u_view_projection;
uniform mat4 u_shadow;
in vec3 in_position;
in vec3 in_normal;
in vec4 in_canonical;
in vec3 in_along;
in vec2 in_uv;
in vec4 in_tint;
invariant gl_Position;  // the depth pass and the colour pass must agree to the last bit
out vec3 v_position;
out vec3 v_normal;
out vec4 v_canonical;
out vec3 v_along;
out vec2 v_uv;
out vec4 v_tint;
out vec3 v_shadow;
void main() {
    v_position = in_position;
    v_normal = in_normal;
    v_canonical = in_canonical;
    v_along = in_along;
    v_uv = in_uv;
    v_tint = in_tint;
    v_shadow = (u_shadow * vec4(in_position, 1.0)).xyz * 0.5 + 0.5;
    gl_Position = u_view_projection * vec4(in_position, 1.0);
}
