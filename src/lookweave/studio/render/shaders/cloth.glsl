// Fabric, folds and sewing details, all from canonical coordinates.
const int PLACKET = 1, CHEST_POCKET = 2, KANGAROO = 4, FLY = 8, LAPEL = 16, ZIP = 32, QUILT = 64,
          BELT = 128, SIDE_STRIPE = 256, FLAT_POCKETS = 512, CENTRE_CREASE = 1024, FREE_UV = 2048,
          DOUBLE_BREASTED = 4096, LEGGED = 8192, SEAMLESS = 16384;

float line(float d, float w) { return 1.0 - smoothstep(w * 0.6, w * 1.2, abs(d)); }

float box(vec2 p, vec2 centre, vec2 half_size) {
    vec2 d = abs(p - centre) - half_size;
    return max(d.x, d.y);
}

// A texel of a photographed garment. studio/shoot/atlas.py unrolls points in the same way.
vec4 photo_texel(vec4 p, bool free_uv, bool on_arm) {
    bool on_leg = !on_arm && !free_uv && ((u_detail & LEGGED) != 0 || p.y < 0.90);
    vec4 tile = u_photo_trunk;
    vec2 range = u_photo_trunk_range;
    float angle = atan(p.x, p.z), height = p.y;
    if (on_arm) {
        vec2 rel = vec2(abs(p.x), p.y) - SHOULDER;
        angle = atan(p.z - 0.022, dot(rel, vec2(-ARM.y, ARM.x)));
        height = dot(rel, ARM);
        tile = u_photo_arms;
        range = u_photo_arms_range;
    } else if (on_leg) {
        float share = clamp((0.986 - p.y) / 0.904, 0.0, 1.0);
        angle = atan(abs(p.x) - mix(0.105, 0.180, share), p.z - 0.006);
        tile = u_photo_legs;
        range = u_photo_legs_range;
    }
    if ((on_arm || on_leg) && p.x < 0.0) tile.x += 0.5;
    vec2 at = vec2(angle / 6.2831853 + 0.5, (range.y - height) / (range.y - range.x));
    vec2 inside = clamp(at, vec2(0.001, 0.002), vec2(0.999, 0.998));
    // The angle jumps at the back: the level of detail comes from the surface instead.
    float size = max(length(dFdx(v_position)), length(dFdy(v_position)));
    return textureLod(t_photo, tile.xy + inside * tile.zw, clamp(log2(size / 0.0009), 0.0, 4.0));
}

void cloth_surface(inout vec3 n, vec3 view, inout vec3 albedo, inout float gloss, inout float shine, inout vec3 tone, inout float occlusion, inout float trust) {
    vec4 p = v_canonical;
    Edges e = edges(p, u_cut);
    float d = min(min(min(e.hem, e.waist), min(e.cuff, e.neck)), e.front);
    bool free_uv = FREE == 1;
    bool on_arm = p.w > 0.5 && !free_uv;

    // Cloth coordinates in metres: sleeves unroll along the arm, legs and trunk around the axis.
    vec2 uv = v_uv;
    if (!free_uv) {
        float side = p.x < 0.0 ? -1.0 : 1.0;
        if (on_arm) {
            vec2 rel = vec2(abs(p.x), p.y) - SHOULDER;
            float along = dot(rel, ARM);
            float up = dot(rel, vec2(-ARM.y, ARM.x));
            uv = vec2(atan(p.z - 0.022, up) * 0.055 * side, -along);
        } else if ((u_detail & LEGGED) != 0 || p.y < 0.90) {
            float share = clamp((0.986 - p.y) / 0.904, 0.0, 1.0);
            vec2 axis = vec2(mix(0.105, 0.180, share), 0.006);
            uv = vec2(atan((abs(p.x) - axis.x), p.z - axis.y) * 0.085 * side, p.y);
        } else {
            uv = vec2(atan(p.x, p.z) * 0.165, p.y);
        }
    }
    bool front = p.z > 0.0 || free_uv;

    vec3 t = normalize(v_along - n * dot(n, v_along) + 1e-5);
    vec3 b = normalize(cross(t, n));

    // Folds: two layers of stretched noise; more of them where the limb bends.
    float bend = v_tint.x;
    vec2 f1 = uv / u_fold.yz + u_fold.w;
    vec2 f2 = vec2(uv.x * 0.6 + uv.y * 0.8, uv.y * 0.8 - uv.x * 0.6) / (u_fold.yz * vec2(0.7, 0.6)) + u_fold.w * 1.7;
    vec4 fold1 = texture(t_noise, f1);
    vec4 fold2 = texture(t_noise, f2);
    // Most cloth hangs smooth; folds gather in some places.
    float gather = smoothstep(0.42, 0.62, texture(t_noise, uv / vec2(0.9, 1.3) + u_fold.w * 3.1).r);
    // Lofts (skirts) have folds of their own: shaded ones look like stains there.
    float calm = u_fold.x * (FREE == 1 ? 0.15 + 0.35 * gather : 0.45 + 1.5 * gather);
    vec2 slope = calm * (fold1.gb * vec2(1.0, 0.5) + (0.15 + bend) * fold2.gb * 0.8);
    float crease = texture(t_noise, vec2(uv.x * 1.3, uv.y * 4.5) + u_fold.w * 2.3).b;
    slope.y += bend * u_fold.x * 2.2 * crease;
    float valley = 0.6 * fold1.r + 0.4 * fold2.r;
    occlusion *= 1.0 - clamp(calm * 0.40, 0.0, 0.35) * (1.0 - smoothstep(0.2, 0.7, valley));
    occlusion *= 1.0 - 0.55 * v_tint.y;

    vec2 st = uv / u_repeat;
    vec3 fabric = texture(t_albedo, st).rgb;  // stored as square roots
    albedo = fabric * fabric * u_base;
    vec3 relief = texture(t_height, st).rgb;
    if (PHOTO == 1) {
        vec4 seen = photo_texel(p, free_uv, on_arm);
        albedo = seen.rgb * seen.rgb * u_base;
        trust = gl_FrontFacing ? seen.a : 0.0;
    }
    slope += (relief.gb - 0.5) * 2.0 * u_relief;
    occlusion *= 1.0 - 0.35 * clamp(u_relief, 0.0, 1.0) * (1.0 - relief.r);

    // Placed print on the chest.
    if (PRINT == 1 && u_print.z > 0.0 && front && !on_arm) {
        vec2 q = (vec2(p.x, p.y) - u_print.xy) / u_print.zw;
        if (free_uv) q = (v_uv - u_print.xy) / u_print.zw;
        if (max(abs(q.x), abs(q.y)) < 1.0) {
            vec4 ink = texture(t_print, q * vec2(0.5, -0.5) + 0.5);
            albedo = mix(albedo, ink.rgb * ink.rgb, ink.a);
            slope *= 1.0 - 0.3 * ink.a;
        }
    }

    // Ribbed or turned bands along the edges, and the seams that hold them.
    float band = 0.0, seam = 1.0;
    if (u_band.x > 0.0) { band = max(band, step(e.neck, u_band.x)); seam = min(seam, abs(e.neck - u_band.x)); }
    if (u_band.y > 0.0) { band = max(band, step(e.hem, u_band.y)); seam = min(seam, abs(e.hem - u_band.y)); }
    if (u_band.z > 0.0) { band = max(band, step(e.cuff, u_band.z)); seam = min(seam, abs(e.cuff - u_band.z)); }
    if (u_band.w > 0.0) { band = max(band, step(e.waist, u_band.w)); seam = min(seam, abs(e.waist - u_band.w)); }
    if (band > 0.5) {
        albedo = mix(albedo, u_accent, u_band_rib >= 0.0 ? 1.0 : 0.0);
        if (u_band_rib > 0.0) {
            bool round_neck = u_band.x > 0.0 && e.neck < u_band.x;
            float turn = round_neck ? atan(p.x, p.z - NECK.z) * 0.09 : uv.x;
            float rib = sin(turn * u_band_rib * 2.0 * PI);
            slope = 0.4 * slope + vec2(0.45 * cos(turn * u_band_rib * 2.0 * PI), 0.0);
            albedo *= 0.88 + 0.12 * rib;
        }
    }
    albedo *= 1.0 - 0.45 * line(seam, 0.0018);
    float rim = (u_detail & SEAMLESS) != 0 ? min(min(e.cuff, e.neck), e.front) : d;
    occlusion *= 1.0 - 0.35 * (1.0 - smoothstep(0.0, 0.006, rim));

    // Side and shoulder seams, and the armhole.
    if (!free_uv) {
        albedo *= 1.0 - 0.25 * line((p.w - 0.5) * 0.12, 0.002) * step(u_cut[6], 0.0);
    }

    vec2 q = p.xy;
    if (FRONT == 1 && front && !on_arm) {
        if ((u_detail & PLACKET) != 0) {
            float edge = min(abs(q.x - 0.016), abs(q.x + 0.016));
            albedo *= 1.0 - 0.4 * line(edge, 0.0016);
            float row = mod(q.y - 1.462, 0.082) - 0.041;
            float r = length(vec2(q.x, row));
            float button = 1.0 - smoothstep(0.0050, 0.0062, r);
            albedo = mix(albedo, u_thread, button);
            if (button > 0.0) slope = vec2(-q.x, -row) * 60.0;
            occlusion *= 1.0 - 0.4 * (1.0 - smoothstep(0.006, 0.009, r)) * (1.0 - button);
        }
        if ((u_detail & ZIP) != 0) {
            float zip = line(q.x, 0.006);
            float tooth = step(0.5, fract(q.y * 160.0));
            albedo = mix(albedo, u_thread * (0.5 + 0.5 * tooth), zip);
        }
        if ((u_detail & CHEST_POCKET) != 0) {
            float k = box(q, vec2(0.085, 1.345), vec2(0.042, 0.048));
            albedo *= 1.0 - 0.4 * line(k, 0.0018);
            if (k < 0.0 && q.y > 1.378) albedo *= 0.97;
        }
        if ((u_detail & KANGAROO) != 0) {
            float wide = 0.125 - 0.045 * smoothstep(1.03, 1.14, q.y);
            float k = max(abs(q.x) - wide, abs(q.y - 1.075) - 0.07);
            albedo *= 1.0 - 0.4 * line(k, 0.002);
            occlusion *= 1.0 - 0.25 * (1.0 - smoothstep(0.0, 0.012, abs(abs(q.x) - wide - 0.004))) * step(abs(q.y - 1.075), 0.07);
        }
        if ((u_detail & FLY) != 0) {
            float curve = abs(q.x - 0.026 * smoothstep(0.90, 0.95, q.y));
            albedo *= 1.0 - 0.4 * line(curve, 0.0016) * step(0.91, q.y) * step(e.waist, 0.2) * step(0.035, e.waist);
            float slant = abs((abs(q.x) - 0.105) * 0.75 - (u_cut[1] - 0.04 - q.y) * 0.35);
            albedo *= 1.0 - 0.4 * line(slant, 0.0018) * step(q.y, u_cut[1] - 0.036) * step(u_cut[1] - 0.17, q.y);
            float r = length(vec2(q.x, e.waist - 0.02));
            albedo = mix(albedo, u_thread, 1.0 - smoothstep(0.006, 0.0075, r));
        }
        if ((u_detail & FLAT_POCKETS) != 0) {
            float k = box(vec2(abs(q.x), q.y), vec2(0.105, 1.06), vec2(0.062, 0.026));
            albedo *= 1.0 - 0.45 * line(k, 0.002);
            if (k > 0.0 && k < 0.012 && q.y < 1.045) occlusion *= 0.7;
        }
        if ((u_detail & LAPEL) != 0) {
            // Notched lapels: two straight edges from the collar to the first button.
            float y0 = 1.16, y1 = 1.50;
            float s = (q.y - y0) / (y1 - y0);
            float reach = mix(0.018, 0.118, clamp(s, 0.0, 1.0));
            if (s > 0.72) reach -= 0.30 * max(0.0, 0.045 - abs(s - 0.80) * 0.34);
            float k = abs(q.x) - reach;
            bool on = s > 0.0 && s < 1.0;
            if (on) {
                albedo *= 1.0 - 0.55 * line(k, 0.0022);
                if (k > 0.0) occlusion *= 1.0 - 0.45 * (1.0 - smoothstep(0.0, 0.022, k));
                else slope.x += 0.10 * sign(q.x);
            }
            float r = length(vec2(q.x - 0.012, mod(q.y - 1.14, 0.1) - 0.05));
            if (q.y < 1.17 && q.y > 0.98) albedo = mix(albedo, u_thread, 1.0 - smoothstep(0.008, 0.0095, r));
        }
        if ((u_detail & DOUBLE_BREASTED) != 0 && q.y < 1.28) {
            float r = length(vec2(abs(q.x) - 0.065, mod(q.y - 1.14, 0.12) - 0.06));
            albedo = mix(albedo, u_thread, 1.0 - smoothstep(0.009, 0.0105, r));
            albedo *= 1.0 - 0.5 * line(q.x - 0.105, 0.0022);
            if (q.x > 0.105) occlusion *= 1.0 - 0.35 * (1.0 - smoothstep(0.0, 0.02, q.x - 0.105));
        }
    }
    if (EXTRA == 1 && (u_detail & QUILT) != 0) {
        float cell = fract(uv.y / 0.075);
        slope.y += 1.1 * (cell - 0.5) * -1.6;
        albedo *= 1.0 - 0.4 * line(min(cell, 1.0 - cell) * 0.075, 0.003);
        occlusion *= 0.65 + 0.35 * smoothstep(0.0, 0.25, min(cell, 1.0 - cell));
    }
    if (EXTRA == 1 && (u_detail & BELT) != 0 && !on_arm) {
        float k = abs(p.y - 1.125) - 0.024;
        if (k < 0.0) { albedo = u_accent; slope *= 0.2; }
        occlusion *= 1.0 - 0.5 * step(0.0, k) * (1.0 - smoothstep(0.0, 0.018, k));
        slope.y += 0.5 * sign(p.y - 1.125) * step(0.0, k) * (1.0 - smoothstep(0.0, 0.05, k));
    }
    if (EXTRA == 1 && (u_detail & SIDE_STRIPE) != 0 && abs(p.z - 0.006) < 0.014 && abs(p.x) > 0.09) albedo = u_accent;
    if (EXTRA == 1 && (u_detail & CENTRE_CREASE) != 0) slope.x += 0.35 * sign(uv.x) * (1.0 - smoothstep(0.0, 0.012, abs(uv.x))) ;

    if (FREE == 1 && u_pattern == 20 && p.z > 0.060 && p.z < 0.130 && abs(p.x) < 0.017 && p.y > 0.030)
        albedo = mix(albedo, vec3(0.72), step(0.5, fract(p.z * 70.0)));   // laces
    if (!gl_FrontFacing) { albedo *= 0.55; occlusion *= 0.6; slope *= 0.5; }
    n = normalize(n - b * slope.x - t * slope.y);
    tone = mix(vec3(0.04), albedo, u_metal);
    shine = mix(10.0, 60.0, clamp(u_gloss, 0.0, 1.0));
    if (SPARKLE == 1) {
        // Sequins: every disc faces its own way.
        vec2 cell = floor(st * 24.0 + vec2(0.5 * mod(floor(st.y * 24.0), 2.0), 0.0));
        vec2 h = fract(sin(vec2(dot(cell, vec2(127.1, 311.7)), dot(cell, vec2(269.5, 183.3)))) * 43758.5453) - 0.5;
        n = normalize(n + (b * h.x + t * h.y) * u_sparkle);
        shine = 30.0;
    }
}
