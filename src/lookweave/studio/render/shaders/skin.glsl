// Faces are painted from landmarks of the canonical body: eyes, brows, lips.
void skin_surface(inout vec3 n, inout vec3 albedo, inout float gloss, inout float shine) {
    vec3 p = v_canonical.xyz;
    float lips = v_tint.x, eye = v_tint.y, mouth = v_tint.z;
    vec4 noise = texture(t_noise, p.xy * 3.1 + p.zx * 1.7);
    albedo *= 0.95 + 0.10 * noise.r;
    gloss = 0.35;
    shine = 14.0;
    if (eye > 0.5) {
        vec3 d = normalize(vec3(abs(p.x) - 0.0300, p.y - 1.7305, p.z - 0.1250));
        float off = length(d.xy - vec2(0.0, 0.0));
        albedo = vec3(0.62, 0.60, 0.58);
        albedo = mix(u_accent * 0.5, albedo, smoothstep(0.44, 0.52, off));
        albedo = mix(vec3(0.01), albedo, smoothstep(0.18, 0.24, off));
        gloss = 0.8;
        shine = 90.0;
        return;
    }
    if (p.z > 0.05 && p.y > 1.60) {
        albedo = mix(albedo, mix(albedo, u_accent, 0.45), smoothstep(0.15, 0.5, lips));
        float bx = (abs(p.x) - 0.033) / 0.021;
        float arch = 1.7545 - 0.004 * bx * bx;
        float brow = (1.0 - smoothstep(0.0020, 0.0042, abs(p.y - arch))) * (1.0 - smoothstep(0.8, 1.1, abs(bx)));
        albedo = mix(albedo, u_thread * 0.6 + albedo * 0.1, brow * 0.75);
        vec2 rim = vec2((abs(p.x) - 0.0305) / 0.0175, (p.y - 1.7305) / 0.0085);
        float lid = 1.0 - smoothstep(0.75, 1.15, length(rim));
        albedo *= 1.0 - 0.45 * lid;
        float cheek = exp(-dot(p.xy - vec2(sign(p.x) * 0.045, 1.688), p.xy - vec2(sign(p.x) * 0.045, 1.688)) * 2600.0);
        albedo = mix(albedo, albedo * vec3(1.08, 0.90, 0.88), cheek * 0.6);
    }
    if (mouth > 0.5) albedo *= 0.25;
}

void hair_surface(inout vec3 n, vec3 view, inout vec3 albedo, inout float gloss, inout float shine, inout vec3 tone, inout float occlusion) {
    vec4 strands = texture(t_noise, vec2(v_uv.x * 22.0, v_uv.y * 0.9));
    vec4 locks = texture(t_noise, vec2(v_uv.x * 5.0, v_uv.y * 0.35) + 0.31);
    float h = 0.6 * strands.r + 0.4 * locks.r;
    albedo *= 0.55 + 0.8 * h;
    vec3 t = normalize(v_along - n * dot(n, v_along) + 1e-5);
    vec3 b = cross(n, t);
    n = normalize(n + b * (strands.g * 0.5 + locks.g * 0.6));
    gloss = 0.8;
    shine = 20.0;
    tone = albedo * 0.6 + 0.02;
    occlusion = 0.55 + 0.45 * h;
}
