#version 330
// Colour of the fragments that the depth pass (depth.frag) left in front.
//#include cut
// llvmpipe runs both sides of every branch, so what a draw call does not need is compiled away:
// KIND 0 skin, 1 cloth, 2 scene or prop, 3 hair; PATTERN of scenery; FREE, FRONT, EXTRA, PRINT,
// PHOTO and SPARKLE are 0 or 1 (draw.py sets them).
uniform float u_id;
uniform float u_cut[12];
uniform vec3 u_eye;

uniform vec3 u_key_direction;   // towards the light
uniform vec3 u_key_colour;
uniform float u_key_softness;   // in shadow-map texels
uniform vec3 u_rim_direction;
uniform vec3 u_rim_colour;
uniform vec3 u_sh[9];
uniform sampler2DShadow t_shadow;
uniform int u_shadows;

uniform sampler2D t_albedo;     // cloth: one repeat of the fabric
uniform sampler2D t_height;     // cloth: relief of the weave (r), its gradient (g, b)
uniform sampler2D t_noise;      // height (r), gradient (g, b) of tileable fractal noise
uniform sampler2D t_print;      // a placed print, straight alpha
uniform sampler2D t_photo;      // a photographed garment: tiles of angle and height (square roots)
uniform vec4 u_photo_trunk;     // left, top, width, height of a tile in it; of a pair the left one
uniform vec4 u_photo_arms;
uniform vec4 u_photo_legs;
uniform vec2 u_photo_trunk_range;   // canonical heights of a tile's lower and upper edge
uniform vec2 u_photo_arms_range;
uniform vec2 u_photo_legs_range;
uniform vec3 u_base;            // skin, hair, prop: colour; cloth: multiplies the fabric
uniform vec3 u_accent;          // bands, buttons; skin: lips; scene: second colour
uniform vec3 u_thread;          // stitches
uniform vec2 u_repeat;          // metres per repeat of fabric
uniform float u_relief;
uniform vec4 u_fold;            // strength, metres across, metres along, seed
uniform float u_gloss;
uniform float u_metal;
uniform float u_sparkle;
uniform vec4 u_band;            // widths: neck, hem, cuff, waist
uniform float u_band_rib;       // ribs per metre
uniform vec4 u_print;           // centre x, y, half width, half height on the chest
uniform int u_detail;
uniform float u_emission;
uniform int u_pattern;          // cloth: 20 for laced shoes

in vec3 v_position;
in vec3 v_normal;
in vec4 v_canonical;
in vec3 v_along;
in vec2 v_uv;
in vec4 v_tint;
in vec3 v_shadow;

layout(location = 0) out vec4 o_colour;
layout(location = 1) out vec4 o_surface;

const float PI = 3.14159265;

vec3 irradiance(vec3 n) {
    return u_sh[0] * 0.282095
        + u_sh[1] * 0.488603 * n.y + u_sh[2] * 0.488603 * n.z + u_sh[3] * 0.488603 * n.x
        + u_sh[4] * 1.092548 * n.x * n.y + u_sh[5] * 1.092548 * n.y * n.z
        + u_sh[6] * 0.315392 * (3.0 * n.z * n.z - 1.0)
        + u_sh[7] * 1.092548 * n.x * n.z + u_sh[8] * 0.546274 * (n.x * n.x - n.y * n.y);
}

float shadow(vec3 n) {
    if (u_shadows == 0) return 1.0;
    float slope = 1.0 - clamp(dot(n, u_key_direction), 0.0, 1.0);
    float bias = 0.0012 + 0.004 * slope;
    vec3 p = vec3(v_shadow.xy, v_shadow.z - bias);
    if (any(lessThan(p, vec3(0.0))) || any(greaterThan(p, vec3(1.0)))) return 1.0;
    float r = u_key_softness / 1024.0;
    float sum = 0.0;
    float turn = fract(sin(dot(gl_FragCoord.xy, vec2(12.9898, 78.233))) * 43758.5453) * 6.28;
    vec2 a = vec2(cos(turn), sin(turn)), b = vec2(-a.y, a.x);
    sum += texture(t_shadow, p + vec3(a * r, 0.0));
    sum += texture(t_shadow, p + vec3(-a * r * 0.9, 0.0));
    sum += texture(t_shadow, p + vec3(b * r * 0.6, 0.0));
    sum += texture(t_shadow, p + vec3(-b * r * 0.4, 0.0));
    return sum * 0.25;
}

#if KIND == 1
//#include cloth
#elif KIND == 2
//#include scene
#else
//#include skin
#endif

void main() {
    vec3 n = normalize(v_normal);
    if (!gl_FrontFacing) n = -n;
    vec3 view = normalize(u_eye - v_position);
    vec3 albedo = u_base;
    float gloss = u_gloss, shine = 24.0, occlusion = 1.0, emission = u_emission;
    vec3 tone = vec3(0.04);
    float trust = 1.0;

#if KIND == 0
    skin_surface(n, albedo, gloss, shine);
#elif KIND == 1
    cloth_surface(n, view, albedo, gloss, shine, tone, occlusion, trust);
#elif KIND == 3
    hair_surface(n, view, albedo, gloss, shine, tone, occlusion);
#else
    scene_surface(n, albedo, gloss, shine, emission);
#endif

    float lit = shadow(n);
    float key = clamp(dot(n, u_key_direction), 0.0, 1.0) * lit;
    float rim = clamp(dot(n, u_rim_direction), 0.0, 1.0);
    if (KIND == 0) key = mix(key, clamp(dot(n, u_key_direction) * 0.7 + 0.3, 0.0, 1.0) * lit, 0.4);
    vec3 light = max(irradiance(n), 0.0) * occlusion + u_key_colour * key + u_rim_colour * rim;
    vec3 colour = albedo * light;
    if (gloss > 0.0) {
        vec3 half_key = normalize(u_key_direction + view);
        vec3 half_rim = normalize(u_rim_direction + view);
        float spec = pow(max(dot(n, half_key), 0.0), shine) * lit * step(0.0, dot(n, u_key_direction));
        float back = pow(max(dot(n, half_rim), 0.0), shine) * step(0.0, dot(n, u_rim_direction));
        vec3 mirror = max(irradiance(reflect(-view, n)), 0.0);
        float fresnel = pow(1.0 - max(dot(n, view), 0.0), 4.0);
        colour += gloss * tone * (shine * 0.12) * (u_key_colour * spec + u_rim_colour * back);
        colour += gloss * mirror * (tone + 0.25 * fresnel * (1.0 - u_metal)) * occlusion;
    }
    colour += albedo * emission;
    o_colour = vec4(colour, trust);  // read back, never blended
    o_surface = vec4(normalize(v_normal) * (gl_FrontFacing ? 1.0 : -1.0), u_id);
}
