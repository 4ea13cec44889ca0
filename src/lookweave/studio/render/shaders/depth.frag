#version 330
// Which fragments exist at all. The shadow map, the depth pass and thereby the picture share it.
//#include cut
uniform float u_cut[12];
uniform float u_over[72];
uniform int u_over_count;
uniform float u_over_margin;
uniform sampler2D t_noise;
in vec4 v_canonical;
in vec4 v_tint;
in vec2 v_uv;
void main() {
    if (KIND == 1 && inside(v_canonical, u_cut) < 0.0) discard;
    if (KIND == 3) {
        float ragged = texture(t_noise, vec2(v_uv.x * 9.0, v_uv.y * 6.0)).r - 0.5;
        if (v_tint.x + ragged * 0.016 < 0.0) discard;
    }
    for (int k = 0; k < u_over_count; ++k) {
        float c[12];
        for (int j = 0; j < 12; ++j) c[j] = u_over[k * 12 + j];
        if (inside(v_canonical, c) > u_over_margin) discard;
    }
}
