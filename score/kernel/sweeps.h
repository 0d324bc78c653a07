/* Sweeps over a row of numbers, LANES at a time. rows.c includes this file once for each set of
 * instructions, with LANES, TARGET (a function attribute) and NAME (which adds a suffix). */
typedef float NAME(F) __attribute__((vector_size(4 * LANES)));
typedef float NAME(UnalignedF) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef double NAME(UnalignedD) __attribute__((vector_size(4 * LANES), aligned(8), may_alias));
typedef int32_t NAME(I) __attribute__((vector_size(4 * LANES)));
typedef double NAME(D) __attribute__((vector_size(4 * LANES)));
typedef int64_t NAME(J) __attribute__((vector_size(4 * LANES)));
typedef float NAME(HalfF) __attribute__((vector_size(2 * LANES)));
typedef int32_t NAME(HalfI) __attribute__((vector_size(2 * LANES)));
#define F NAME(F)
#define I NAME(I)
#define D NAME(D)
#define J NAME(J)
#define INLINE static inline __attribute__((always_inline)) TARGET
/* The numbers from `from` on, of which `count` are left in the row; lanes beyond are HIDDEN. */
INLINE F NAME(load)(const float *from, size_t count)
{
    F found;
    if (count >= LANES)
        return *(const NAME(UnalignedF) *)from;
    for (int lane = 0; lane < LANES; lane++)
        found[lane] = HIDDEN;
    memcpy(&found, from, count * sizeof *from);
    return found;
}
INLINE I NAME(choose)(I where, I one, I other) { return (one & where) | (other & ~where); }
INLINE F NAME(select)(I where, F one, F other) { return (F)NAME(choose)(where, (I)one, (I)other); }
INLINE double NAME(sum)(F terms)
{
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += terms[lane];
    return sum;
}
/* 2^r for |r| < 0.51: a polynomial, off by 1.4e-8 and its rounding, exactly 1 at 0. */
INLINE F NAME(exp2_fraction)(F r)
{
    F p = r * 0.000154697319775f + 0.00134100009661f;
    p = p * r + 0.00961803078251f;
    p = p * r + 0.055502973142f;
    p = p * r + 0.240226510841f;
    p = p * r + 0.693147225395f;
    return p * r + 1.0f;
}
/* 2^(factor x + whole), 0 below 2^-125.5. Adding ROUNDING leaves the nearest integer in the lowest
 * bits; the difference from it is rounded once, by a fused multiplication. */
INLINE F NAME(exponential)(F x, float factor, int whole)
{
    F rounded = x * factor + ROUNDING, r = x * factor - (rounded - ROUNDING);
    I there = rounded > ROUNDING - 126 - (float)whole;
    return (F)(((I)NAME(exp2_fraction)(r) + (((I)rounded + whole) << 23)) & there);
}
/* A logit y = factor x + shift in units of log 2, and 2^y = p 2^n; or if `absolute`, whether y is above
 * 0, and e = 2^-|y| = p 2^n. */
typedef struct { F y, p, e; I n, positive; } NAME(Logit);
INLINE NAME(Logit) NAME(logit)(F x, float factor, Shift shift, int absolute)
{
    F rounded = (x * factor + shift.part) + ROUNDING, whole = rounded - ROUNDING;
    F r = (x * factor - whole) + shift.part;
    F y = (whole + (float)shift.whole) + r;
    I positive = absolute ? y > 0 : (I){0}, n = (I)rounded + (shift.whole - ROUNDING_BITS);
    F p = NAME(exp2_fraction)((F)((I)r ^ (positive & INT32_MIN)));
    n = (n ^ positive) - positive;
    return (NAME(Logit)){y, p, (F)(((I)p + (n << 23)) & (y > -125) & (y < 125)), n, positive};
}
/* The two largest of a row, the first of equal ones; the row becomes its gaps to the second. */
TARGET static void NAME(hide)(float *row, size_t count, Place found[2])
{
    F first = (F){0} + HIDDEN, next = first;
    I first_at = {0}, next_at = {0}, at;
    for (int lane = 0; lane < LANES; lane++)
        at[lane] = lane;
    for (size_t k = 0; k < count; k += LANES, at += LANES) {
        F c = NAME(load)(row + k, count - k);
        I above = c > first, between = c > next;
        next = NAME(select)(above, first, NAME(select)(between, c, next));
        next_at = NAME(choose)(above, first_at, NAME(choose)(between, at, next_at));
        first = NAME(select)(above, c, first);
        first_at = NAME(choose)(above, at, first_at);
    }
    F values = first, nexts = next; /* Copies: the loop's own stay in registers. */
    I places = first_at, nexts_at = next_at;
    for (int i = 0; i < 2; i++) {
        int best = 0;
        for (int lane = 1; lane < LANES; lane++)
            if (values[lane] > values[best]
                || (values[lane] == values[best] && places[lane] < places[best]))
                best = lane;
        found[i] = (Place){values[best], places[best]};
        values[best] = nexts[best];
        places[best] = nexts_at[best];
    }
    for (size_t k = 0; k < count; k++)
        row[k] -= found[1].value;
    row[found[0].at] = HIDDEN;
}
/* Adds Σ e, e = 2^(factor x), and with all of them Σ e² and Σ e x. */
INLINE void NAME(add_moments)(const float *row, size_t count, float factor, int all, double *sums)
{
    F one = {0}, squares = {0}, weighted = {0};
    for (size_t k = 0; k < count; k += LANES) {
        F x = NAME(load)(row + k, count - k), e = NAME(exponential)(x, factor, 0);
        one += e;
        squares += e * e;
        weighted += e * x;
    }
    sums[0] += NAME(sum)(one);
    if (all) {
        sums[1] += NAME(sum)(squares);
        sums[2] += NAME(sum)(weighted);
    }
}
/* (1 + product) (1 + e) - 1, which keeps the digits of small terms. */
INLINE F NAME(with_factor)(F product, F e) { return product + (e * product + e); }
/* Σ log(1 + 2^y): the logarithm of a product, and positive y by themselves. Two products take turns,
 * because each waits for its last factor. */
INLINE double NAME(softplus)(const float *row, size_t count, float f, Shift s, int any_positive)
{
    F linear = {0}, product = {0}, last = {0};
    const float part = exp2f(s.part);
    for (size_t k = 0; k < count; k += LANES) {
        F x = NAME(load)(row + k, count - k), e;
        if (any_positive) {
            NAME(Logit) one = NAME(logit)(x, f, s, 1);
            linear += (F)((I)one.y & one.positive);
            e = one.e;
        } else
            e = NAME(exponential)(x, f, s.whole) * part;
        F grown = NAME(with_factor)(last, e);
        last = product;
        product = grown;
    }
    product = NAME(with_factor)(product, last);
    double all = 0;
    for (int lane = 0; lane < LANES; lane++)
        all += product[lane] * all + product[lane];
    return log1p(all) + NAME(sum)(linear) * LOG_2;
}
/* Adds Σ σ(y) and Σ σ(-y). */
INLINE void NAME(add_sigmoids)(const float *row, size_t count, float f, Shift s, double *sums)
{
    F inside = {0}, outside = {0};
    for (size_t k = 0; k < count; k += LANES) {
        F x = NAME(load)(row + k, count - k);
        NAME(Logit) one = NAME(logit)(x, f, s, 1);
        F larger = (F)((I)(1 / (1 + one.e)) & (x > HIDDEN / 2)), smaller = one.e * larger;
        inside += NAME(select)(one.positive, larger, smaller);
        outside += NAME(select)(one.positive, smaller, larger);
    }
    sums[0] += NAME(sum)(inside);
    sums[1] += NAME(sum)(outside);
}
/* Adds the sums over at most BLOCK(LANES) numbers to `sums`. */
TARGET static void NAME(add_sums)(Terms kind, const float *row, size_t count, float f, double logit,
                                  double *sums)
{
    if (kind == EXP)
        NAME(add_moments)(row, count, f, 0, sums);
    else if (kind == MOMENTS)
        NAME(add_moments)(row, count, f, 1, sums);
    else if (kind == SIGMOIDS)
        NAME(add_sigmoids)(row, count, f, shift_of(logit), sums);
    else if (logit > 0)
        *sums += NAME(softplus)(row, count, f, shift_of(logit), 1);
    else
        *sums += NAME(softplus)(row, count, f, shift_of(logit), 0);
}
/* Adds 2^y, or if `sigmoid` σ(y), of each number to that of `sums` at its place, with the exponents of
 * a double. */
INLINE void NAME(add_each)(const float *row, size_t count, float f, Shift s, int sigmoid, double *sums)
{
    for (size_t k = 0; k < count; k += LANES) {
        NAME(Logit) one = NAME(logit)(NAME(load)(row + k, count - k), f, s, sigmoid);
        NAME(HalfF) p[2];
        NAME(HalfI) n[2], positive[2];
        D both[2];
        memcpy(p, &one.p, sizeof p);
        memcpy(n, &one.n, sizeof n);
        memcpy(positive, &one.positive, sizeof positive);
        for (int i = 0; i < 2; i++) {
            J up = __builtin_convertvector(positive[i], J);
            D e = __builtin_convertvector(p[i], D)
                  * (D)((__builtin_convertvector(n[i], J) + 1023) << 52);
            both[i] = sigmoid ? (D)(((J)e & ~up) | ((J)(e * 0 + 1) & up)) / (1 + e) : e;
        }
        if (count - k >= LANES) {
            ((NAME(UnalignedD) *)(sums + k))[0] += both[0];
            ((NAME(UnalignedD) *)(sums + k))[1] += both[1];
        } else
            for (size_t lane = 0; lane < count - k; lane++)
                sums[k + lane] += both[lane / (LANES / 2)][lane % (LANES / 2)];
    }
}
TARGET static void NAME(add_terms)(const float *row, size_t count, float f, Shift s, int sigmoid,
                                   double *sums)
{
    if (sigmoid)
        NAME(add_each)(row, count, f, s, 1, sums);
    else
        NAME(add_each)(row, count, f, s, 0, sums);
}
/* The products of a vector with two others. */
TARGET static void NAME(dots)(const float *vector, const float *one, const float *other, size_t count,
                              double *found)
{
    double first = 0, second = 0;
#pragma omp simd reduction(+ : first, second)
    for (size_t k = 0; k < count; k++) {
        first += (double)vector[k] * one[k];
        second += (double)vector[k] * other[k];
    }
    found[0] = first, found[1] = second;
}
#undef F
#undef I
#undef D
#undef J
#undef INLINE
