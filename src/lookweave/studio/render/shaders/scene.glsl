// Backdrops and props: v_uv in metres; patterns are drawn, then blurred by the lens.
float hash(vec2 p) { return fract(sin(dot(p, vec2(41.3, 289.1))) * 45758.5453); }

void scene_surface(inout vec3 n, inout vec3 albedo, inout float gloss, inout float shine, inout float emission) {
    vec4 noise = texture(t_noise, v_uv * 0.35);
    vec4 fine = texture(t_noise, v_uv * 2.7);
    albedo = u_base * v_tint.rgb;
    if (PATTERN == 1) {          // paper sweep, plaster
        albedo *= 0.985 + 0.02 * noise.r;
    } else if (PATTERN == 2) {   // paving
        vec2 q = v_uv / vec2(0.8, 0.5);
        q.x += 0.5 * mod(floor(q.y), 2.0);
        vec2 f = abs(fract(q) - 0.5);
        albedo *= 0.75 + 0.35 * hash(floor(q)) * 0.5 + 0.25 * fine.r;
        albedo *= 1.0 - 0.5 * smoothstep(0.475, 0.495, max(f.x, f.y));
    } else if (PATTERN == 3) {   // facade with windows
        vec2 q = v_uv / vec2(2.1, 3.2);
        vec2 f = fract(q);
        float window = step(0.22, f.x) * step(f.x, 0.78) * step(0.24, f.y) * step(f.y, 0.82);
        float frame = step(0.19, f.x) * step(f.x, 0.81) * step(0.20, f.y) * step(f.y, 0.86);
        albedo *= 0.85 + 0.2 * noise.r + 0.1 * fine.r;
        albedo = mix(albedo, u_accent, frame);
        float h = hash(floor(q));
        albedo = mix(albedo, mix(vec3(0.03, 0.04, 0.06), vec3(0.35, 0.42, 0.5), f.y * h), window);
        gloss = mix(gloss, 0.9, window);
        if (u_emission > 0.0) emission = window * step(0.55, h) * u_emission; else emission = 0.0;
        if (emission > 0.0) albedo = mix(albedo, vec3(1.0, 0.75, 0.4), 0.8);
    } else if (PATTERN == 4) {   // boards
        vec2 q = v_uv / vec2(0.14, 1.6);
        q.y += 0.37 * floor(q.x);
        vec4 grain = texture(t_noise, vec2(v_uv.x * 3.0, v_uv.y * 0.25) + hash(floor(q)));
        albedo *= 0.7 + 0.3 * hash(floor(q)) + 0.25 * grain.r;
        albedo *= 1.0 - 0.5 * smoothstep(0.47, 0.495, abs(fract(q.x) - 0.5));
        gloss = 0.4;
    } else if (PATTERN == 5) {   // sand
        albedo *= 0.75 + 0.35 * noise.r + 0.2 * fine.r;
        n = normalize(n + vec3(noise.g + fine.g, 0.0, noise.b + fine.b) * 0.35);
    } else if (PATTERN == 6) {   // sea
        vec4 wave = texture(t_noise, vec2(v_uv.x * 0.06, v_uv.y * 0.4));
        albedo = mix(u_base, u_accent, smoothstep(0.52, 0.75, wave.r));
        gloss = 0.6;
    } else if (PATTERN == 7) {   // sky: base at the horizon, accent above
        float up = clamp(v_uv.y, 0.0, 1.0);
        albedo = mix(u_base, u_accent, pow(up, 0.6));
        float cloud = smoothstep(0.5, 0.8, texture(t_noise, v_uv * vec2(0.7, 1.6)).r);
        albedo = mix(albedo, vec3(1.0), cloud * 0.5 * (1.0 - up));
    } else if (PATTERN == 8) {   // asphalt, wet: gloss
        albedo *= 0.7 + 0.4 * fine.r + 0.2 * noise.r;
        gloss = u_gloss;
        shine = 40.0;
    } else if (PATTERN == 9) {   // curtain
        float f = sin(v_uv.x * 26.0 + 2.0 * noise.r);
        n = normalize(n + vec3(0.7 * cos(v_uv.x * 26.0 + 2.0 * noise.r), 0.0, 0.0));
        albedo *= 0.75 + 0.25 * f;
    } else if (PATTERN == 10) {  // brick
        vec2 q = v_uv / vec2(0.24, 0.075);
        q.x += 0.5 * mod(floor(q.y), 2.0);
        vec2 f = abs(fract(q) - 0.5) * vec2(0.24, 0.075);
        albedo *= 0.7 + 0.4 * hash(floor(q)) + 0.2 * fine.r;
        albedo = mix(albedo, u_accent, step(0.112, f.x) + step(0.032, f.y) > 0.5 ? 1.0 : 0.0);
    } else if (PATTERN == 11) {  // leaves
        float leaf = texture(t_noise, v_uv * 1.9).r * 0.6 + fine.r * 0.5;
        albedo *= 0.35 + 1.1 * smoothstep(0.3, 0.75, leaf);
    } else if (PATTERN == 12) {  // tiles
        vec2 f = abs(fract(v_uv / 0.3) - 0.5);
        float odd = mod(floor(v_uv.x / 0.3) + floor(v_uv.y / 0.3), 2.0);
        albedo = mix(u_base, u_accent, odd) * (0.95 + 0.08 * noise.r);
        albedo *= 1.0 - 0.3 * smoothstep(0.48, 0.495, max(f.x, f.y));
        gloss = 0.5;
    }
}
