/* Sweeps over rows of numbers, LANES at a time. rows.c includes this file once for each set of
 * instructions, with LANES, TARGET (a function attribute) and NAME (which adds a suffix). */

typedef float NAME(F) __attribute__((vector_size(4 * LANES)));
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
    if (count >= LANES) {
        memcpy(&found, from, sizeof found);
        return found;
    }
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

/* 2^r for |r| < 0.51: a polynomial, off by 4e-9 and its rounding, exactly 1 at 0. */
INLINE F NAME(power)(F r)
{
    F p = r * 0.000154697319775f + 0.00134100009661f;
    p = p * r + 0.00961803078251f;
    p = p * r + 0.055502973142f;
    p = p * r + 0.240226510841f;
    p = p * r + 0.693147225395f;
    return p * r + 1.0f;
}

/* p 2^n where `there`, else 0. */
INLINE F NAME(scaled)(F p, I n, I there) { return (F)(((I)p + (n << 23)) & there); }

/* 2^(factor x + whole), 0 below 2^-126. Adding ROUNDING leaves the nearest integer in the lowest bits;
 * the difference from it is rounded once, by a fused multiplication. */
INLINE F NAME(exponential)(F x, float factor, int whole)
{
    F rounded = x * factor + ROUNDING;
    F r = x * factor - (rounded - ROUNDING);
    I there = rounded >= ROUNDING - 126 - (float)whole;
    return NAME(scaled)(NAME(power)(r), (I)rounded + whole, there);
}

/* A logit y = factor x + shift, in units of log 2: 2^-|y| = p 2^n, and where y is above 0. */
typedef struct { F y, p; I n, positive, there; } NAME(Logit);

INLINE NAME(Logit) NAME(logit)(F x, Factor factor, Shift shift, int may_be_positive)
{
    F rounded = (x * factor.high + shift.part) + ROUNDING;
    F whole = rounded - ROUNDING;
    F r = (x * factor.high - whole) + (x * factor.low + shift.part);
    I n = (I)rounded - ROUNDING_BITS + shift.whole;
    I there = rounded >= ROUNDING - 126 - (float)shift.whole, positive = {0};
    F y = (whole + (float)shift.whole) + r;
    if (may_be_positive) {
        positive = y > 0;
        r = (F)((I)r ^ (positive & INT32_MIN));
        n = (n ^ positive) - positive;
        there &= y <= 126;
    }
    return (NAME(Logit)){y, NAME(power)(r), n, positive, there};
}

/* The two largest of a row, the first of equal ones; the row becomes its gaps to the second. */
TARGET static void NAME(hide)(float *row, size_t count, Place *best, Place *second)
{
    F first = {0}, next = {0};
    I first_at = {0}, next_at = {0}, at = {0};
    first += HIDDEN;
    next += HIDDEN;
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
    /* Copies, so that the loop above keeps its vectors in registers. */
    F firsts = first, nexts = next;
    I firsts_at = first_at, nexts_at = next_at;
    for (int lane = 0; lane < LANES; lane++) {
        insert((Place){firsts[lane], firsts_at[lane]}, best, second);
        insert((Place){nexts[lane], nexts_at[lane]}, best, second);
    }
    for (size_t k = 0; k < count; k++)
        row[k] -= second->value;
    row[best->at] = HIDDEN;
}

/* The sums of e = 2^(factor x), and with all of them those of e squared and e x. */
INLINE void NAME(moments)(const float *row, size_t count, float factor, int all, double *sums)
{
    F one = {0}, squares = {0}, weighted = {0};
    for (size_t k = 0; k < count; k += LANES) {
        F x = NAME(load)(row + k, count - k);
        F e = NAME(exponential)(x, factor, 0);
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
INLINE F NAME(grown)(F product, F e) { return product + (e * product + e); }

/* The sum of log(1 + 2^y) of y that are not positive: a product of 1 + e, and its logarithm. Two overlap, because each waits
 * for its last factor. */
INLINE double NAME(softplus)(const float *row, size_t count, Factor f, Shift s)
{
    F product = {0}, last = {0};
    const float part = exp2f(s.part);
    for (size_t k = 0; k < count; k += LANES) {
        F e = part * NAME(exponential)(NAME(load)(row + k, count - k), f.high, s.whole);
        F grown = NAME(grown)(last, e);
        last = product;
        product = grown;
    }
    product = NAME(grown)(product, last);
    double all = 0;
    for (int lane = 0; lane < LANES; lane++)
        all += product[lane] * all + product[lane];
    return log1p(all);
}

/* The same of any y, of which positive ones are added by themselves. */
INLINE double NAME(mixed_softplus)(const float *row, size_t count, Factor f, Shift s)
{
    F linear = {0}, product = {0}, last = {0};
    for (size_t k = 0; k < count; k += LANES) {
        NAME(Logit) one = NAME(logit)(NAME(load)(row + k, count - k), f, s, 1);
        F grown = NAME(grown)(last, NAME(scaled)(one.p, one.n, one.there));
        last = product;
        product = grown;
        linear += (F)((I)one.y & one.positive);
    }
    product = NAME(grown)(product, last);
    double all = 0;
    for (int lane = 0; lane < LANES; lane++)
        all += product[lane] * all + product[lane];
    return log1p(all) + NAME(sum)(linear) * LOG_2;
}

/* The sums of σ(y) and of σ(-y). */
INLINE void NAME(sigmoids)(const float *row, size_t count, Factor f, Shift s, double *sums)
{
    F inside = {0}, outside = {0};
    for (size_t k = 0; k < count; k += LANES) {
        F x = NAME(load)(row + k, count - k);
        NAME(Logit) one = NAME(logit)(x, f, s, 1);
        F e = NAME(scaled)(one.p, one.n, one.there);
        F larger = (F)((I)(1 / (1 + e)) & (x > HIDDEN / 2)), smaller = e * larger;
        inside += NAME(select)(one.positive, larger, smaller);
        outside += NAME(select)(one.positive, smaller, larger);
    }
    sums[0] += NAME(sum)(inside);
    sums[1] += NAME(sum)(outside);
}

/* Adds 2^y, or if `sigmoid` σ(y), of all but the hidden to `sums`, with a double's exponents. */
INLINE void NAME(add_wide)(F x, Factor f, Shift s, int sigmoid, D sums[2])
{
    NAME(Logit) one = NAME(logit)(x, f, s, sigmoid);
    if (sigmoid) {
        F e = NAME(scaled)(one.p, one.n, one.there);
        one.p = NAME(select)(one.positive, e * 0 + 1, one.p) / (1 + e);
        one.n &= ~one.positive;
    }
    one.p = (F)((I)one.p & (x > HIDDEN / 2));
    one.n += 1023;
    NAME(HalfF) p[2];
    NAME(HalfI) n[2];
    memcpy(p, &one.p, sizeof p);
    memcpy(n, &one.n, sizeof n);
    for (int i = 0; i < 2; i++)
        sums[i] += __builtin_convertvector(p[i], D) * (D)(__builtin_convertvector(n[i], J) << 52);
}

/* Adds the terms of each number of a row to the number of `sums` at its place. */
TARGET static void NAME(add_terms)(const float *row, size_t count, Factor f, Shift s, int sigmoid,
                                   double *sums)
{
    for (size_t k = 0; k < count; k += LANES) {
        F x = NAME(load)(row + k, count - k);
        size_t size = (count - k < LANES ? count - k : LANES) * sizeof *sums;
        D both[2] = {{0}, {0}};
        memcpy(both, sums + k, size);
        if (sigmoid)
            NAME(add_wide)(x, f, s, 1, both);
        else
            NAME(add_wide)(x, f, s, 0, both);
        memcpy(sums + k, both, size);
    }
}

/* Adds the sums over some numbers of a row, at most BLOCK, to `sums`. */
TARGET static void NAME(add_sums)(const float *row, size_t count, const Asked *asked, double logit,
                                  double *sums)
{
    Factor f = asked->factor;
    Shift s = shift_of(logit);
    switch (asked->kind) {
    case EXP: NAME(moments)(row, count, f.high, 0, sums); break;
    case MOMENTS: NAME(moments)(row, count, f.high, 1, sums); break;
    case SOFTPLUS:
        *sums += logit > 0 ? NAME(mixed_softplus)(row, count, f, s) : NAME(softplus)(row, count, f, s);
        break;
    case SIGMOIDS: NAME(sigmoids)(row, count, f, s, sums); break;
    }
}

/* The products of a vector with two others. */
TARGET static void NAME(dots)(const float *vector, const float *one, const float *other, size_t count,
                              double *found)
{
    D sums[2] = {{0}, {0}};
    size_t k = 0;
    for (; k + LANES / 2 <= count; k += LANES / 2) {
        NAME(HalfF) a, b, c;
        memcpy(&a, vector + k, sizeof a);
        memcpy(&b, one + k, sizeof b);
        memcpy(&c, other + k, sizeof c);
        D wide = __builtin_convertvector(a, D);
        sums[0] += wide * __builtin_convertvector(b, D);
        sums[1] += wide * __builtin_convertvector(c, D);
    }
    found[0] = found[1] = 0;
    for (int lane = 0; lane < LANES / 2; lane++) {
        found[0] += sums[0][lane];
        found[1] += sums[1][lane];
    }
    for (; k < count; k++) {
        found[0] += (double)vector[k] * one[k];
        found[1] += (double)vector[k] * other[k];
    }
}

TARGET static uint64_t NAME(digest)(const uint64_t *words, const uint64_t *factors, size_t count)
{
    uint64_t sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += words[k] * factors[k];
    return sum ^ (sum >> 32);
}

#undef F
#undef I
#undef D
#undef J
#undef INLINE
