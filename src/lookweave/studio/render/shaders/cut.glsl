// The edges of a garment, as garments/cut.py defines them. p = canonical position, arm-ness.
const vec2 SHOULDER = vec2(0.170, 1.489);
const vec2 ARM = vec2(0.766044, -0.642788);
const vec3 NECK = vec3(0.0, 1.600, 0.024);
const float NEVER = 9.0;

struct Edges { float hem, waist, cuff, neck, front; };

Edges edges(vec4 p, float c[12]) {
    Edges e;
    float across = abs(p.x);
    float along = dot(vec2(across, p.y) - SHOULDER, ARM);
    bool on_arm = p.w > 0.5;
    e.hem = on_arm ? NEVER : p.y - c[0] + c[10] * clamp(-p.z, 0.0, 1.0) * 3.0;
    e.waist = on_arm ? NEVER : c[1] - p.y;
    e.cuff = on_arm ? c[2] - along : NEVER;
    e.neck = 1.588 - p.y;
    if (c[3] > 0.0) e.neck = min(e.neck, length(p.xyz - NECK) - c[3]);
    if (c[4] < NEVER && p.z > 0.0) e.neck = min(e.neck, across - (p.y - c[4]) * c[5]);
    if (c[9] < NEVER && p.z < 0.0) e.neck = min(e.neck, across - (p.y - c[9]) * c[5]);
    if (c[11] < NEVER) e.neck = min(e.neck, c[11] - (p.y - 0.45 * p.z));
    if (c[6] > 0.0) {
        float hole = length(vec2((across - 0.228) / 0.62, p.y - 1.445)) - c[6];
        if (on_arm && along > 0.08) hole = -0.1;
        e.cuff = min(e.cuff, hole);
    }
    e.front = NEVER;
    if ((c[7] > 0.0 || c[8] > 0.0) && p.z > 0.0 && !on_arm) {
        float share = clamp((SHOULDER.y - p.y) / (SHOULDER.y - 0.985), 0.0, 1.5);
        e.front = across - mix(c[7], c[8], share);
    }
    return e;
}

float inside(vec4 p, float c[12]) {
    Edges e = edges(p, c);
    return min(min(min(e.hem, e.waist), min(e.cuff, e.neck)), e.front);
}
