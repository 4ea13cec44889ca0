#version 330
//#include cut
in vec4 v_canonical;
in vec4 v_tint;
uniform int u_kind;
uniform float u_cut[12];
void main() {
    if (u_kind == 1 && inside(v_canonical, u_cut) < 0.0) discard;
}
