/* The sums over rows of cosines that definition.py defines, in one sweep each. compiled.py calls it.
 *
 * Arrays come through the buffer protocol, contiguous, and their sizes are checked here. The fused
 * multiplications of AVX2, AVX-512 or NEON are needed, whichever the processor has. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* What replaces the nearest class in a row: its exponential is 0, and so is 0 times it. */
#define HIDDEN (-FLT_MAX / 4)
/* 1.5 × 2^23: a sum with it has no digits after the point, and its bits count them. */
#define ROUNDING 12582912.0f
#define ROUNDING_BITS 0x4B400000
#define LOG_2 0.693147180559945309417
/* So many numbers are added as floats, each sum then as a double. A product of so many factors of at
 * most 2 fits into a double, and those of a lane, of at least 8, into a float. */
#define BLOCK 1008
/* Sums that one call takes, and rows whose two nearest are looked for ahead of the sums. */
#define MOST 64
#define AHEAD 16

typedef enum { EXP, MOMENTS, SOFTPLUS, SIGMOIDS } Kind;
static const int sums_of[] = {1, 3, 1, 2};
/* What is asked of each row; the factor and a row's logit are in units of log 2. A second part has
 * what the first lacks. */
typedef struct { float high, low; } Factor;
typedef struct { float part; int whole; } Shift;
typedef struct { Kind kind; Factor factor; double scale, bias; } Asked;
typedef struct { float value; int at; } Place;

static Factor factor_of(double scale)
{
    double bits = scale / LOG_2;
    float high = (float)fmax(-FLT_MAX, fmin(bits, FLT_MAX));
    return (Factor){high, fabsf(high) < FLT_MAX ? (float)(bits - high) : 0};
}

static Shift shift_of(double logit)
{
    double bits = logit / LOG_2, whole = rint(bits);
    return (Shift){(float)(bits - whole), (int)whole};
}

static int comes_before(Place one, Place other)
{
    return one.value > other.value || (one.value == other.value && one.at < other.at);
}

static void insert(Place one, Place *best, Place *second)
{
    if (comes_before(one, *best)) {
        *second = *best;
        *best = one;
    } else if (comes_before(one, *second))
        *second = one;
}

typedef struct {
    const char *name;
    void (*hide)(float *, size_t, Place *, Place *);
    void (*add_sums)(const float *, size_t, const Asked *, double, double *);
    void (*add_terms)(const float *, size_t, Factor, Shift, int, double *);
    void (*dots)(const float *, const float *, const float *, size_t, double *);
    uint64_t (*digest)(const uint64_t *, const uint64_t *, size_t);
} Sweeps;
#define SWEEPS(label) \
    {label, NAME(hide), NAME(add_sums), NAME(add_terms), NAME(dots), NAME(digest)}

#if defined(__x86_64__)
#define LANES 16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define NAME(x) x##_512
#include "sweeps.h"
static const Sweeps avx512 = SWEEPS("AVX-512");
#undef LANES
#undef TARGET
#undef NAME
#define LANES 8
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_256
#include "sweeps.h"
static const Sweeps avx2 = SWEEPS("AVX2");
static const Sweeps *chosen(void)
{
    int wide = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
               && __builtin_cpu_supports("avx512vl");
    int fused = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return wide && fused ? &avx512 : fused ? &avx2 : NULL;
}
#elif defined(__aarch64__)
#define LANES 4
#define TARGET
#define NAME(x) x##_128
#include "sweeps.h"
static const Sweeps neon = SWEEPS("NEON");
static const Sweeps *chosen(void) { return &neon; }
#else
#error "for x86-64 and ARM64; elsewhere NumPy does the work"
#endif

static const Sweeps *sweeps;

static PyObject *done(Py_buffer *views, int count, int fits)
{
    while (count)
        PyBuffer_Release(&views[--count]);
    if (fits)
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, "arrays of other sizes");
    return NULL;
}

/* The float32 (N, K) `numbers` of N rows and what is asked of them. With `find`, the places of the two
 * largest are looked for, and rows become gaps; with a `dimension`, their values are products. */
typedef struct {
    float *numbers;
    const float *vectors, *others;
    Py_ssize_t rows, columns, dimension;
    int64_t *places;
    double *values, *sums;
    const Asked *asked;
    int count, find;
} Reading;

static void find(const Reading *it, Py_ssize_t row)
{
    Place best = {HIDDEN, INT32_MAX}, second = best;
    sweeps->hide(it->numbers + row * it->columns, it->columns, &best, &second);
    it->places[2 * row] = best.at;
    it->places[2 * row + 1] = second.at;
    it->values[2 * row] = best.value;
    it->values[2 * row + 1] = second.value;
    for (Py_ssize_t k = 0; k < it->dimension; k += 16) {
        __builtin_prefetch(it->others + best.at * it->dimension + k, 0, 2);
        __builtin_prefetch(it->others + second.at * it->dimension + k, 0, 2);
    }
}

static void read_row(const Reading *it, Py_ssize_t row)
{
    double *values = it->values + 2 * row, *sums = it->sums + row;
    if (it->dimension)
        sweeps->dots(it->vectors + row * it->dimension,
                     it->others + it->places[2 * row] * it->dimension,
                     it->others + it->places[2 * row + 1] * it->dimension, it->dimension, values);
    for (const Asked *one = it->asked; one < it->asked + it->count; one++) {
        double found[3] = {0}, logit = one->scale * fmin(values[0], values[1]) + one->bias;
        for (Py_ssize_t k = 0; k < it->columns; k += BLOCK)
            sweeps->add_sums(it->numbers + row * it->columns + k,
                             it->columns - k < BLOCK ? it->columns - k : BLOCK, one, logit, found);
        for (int i = 0; i < sums_of[one->kind]; i++, sums += it->rows)
            *sums = found[i];
    }
}

/* read(numbers, K, find, kinds int64 (A,), scales float64 (A,), biases, vectors (N, D), others (M, D), D,
 * places int64 (N, 2), values float64 (N, 2), sums float64 (S, N)) */
static PyObject *read_rows(PyObject *self, PyObject *given)
{
    Py_buffer views[9];
    Reading it = {0};
    if (!PyArg_ParseTuple(given, "w*npy*y*y*y*y*nw*w*w*", &views[0], &it.columns, &it.find, &views[1],
                          &views[2], &views[3], &views[4], &views[5], &it.dimension, &views[6],
                          &views[7], &views[8]))
        return NULL;
    Asked asked[MOST];
    const int64_t *kinds = views[1].buf;
    Py_ssize_t total = 0, every = views[1].len / 8;
    it.rows = views[6].len / 16;
    int fits = it.columns > 1 && it.columns < INT32_MAX && it.dimension >= 0 && every <= MOST
               && views[0].len == 4 * it.rows * it.columns && views[2].len == views[1].len
               && views[3].len == views[1].len && views[7].len == views[6].len
               && views[4].len == 4 * it.rows * it.dimension
               && views[5].len >= 4 * it.columns * it.dimension;
    for (int i = 0; fits && i < every; i++) {
        double scale = ((double *)views[2].buf)[i], bias = ((double *)views[3].buf)[i];
        asked[i] = (Asked){(Kind)kinds[i], factor_of(scale), scale, bias};
        fits = kinds[i] >= EXP && kinds[i] <= SIGMOIDS;
        total += fits ? sums_of[kinds[i]] : 0;
    }
    fits = fits && views[8].len == 8 * total * it.rows;
    it.numbers = views[0].buf;
    it.vectors = views[4].buf;
    it.others = views[5].buf;
    it.places = views[6].buf;
    it.values = views[7].buf;
    it.sums = views[8].buf;
    it.asked = asked;
    it.count = (int)every;
    Py_BEGIN_ALLOW_THREADS
    /* The next rows' classes come from memory meanwhile. */
    for (Py_ssize_t row = 0; fits && row < it.rows + AHEAD; row++) {
        if (it.find && row < it.rows)
            find(&it, row);
        if (row >= AHEAD)
            read_row(&it, row - AHEAD);
    }
    Py_END_ALLOW_THREADS
    return done(views, 9, fits);
}

/* add_terms(numbers float32 (M, N), N, scale, bias, sigmoid, order int64 (L,), groups int64 (L,), sums
 * float64 (G, N)): adds the terms of row order[i] to row groups[i] of `sums`. */
static PyObject *add_terms(PyObject *self, PyObject *given)
{
    Py_buffer views[4];
    Py_ssize_t columns;
    int sigmoid;
    double scale, bias;
    if (!PyArg_ParseTuple(given, "y*nddpy*y*w*", &views[0], &columns, &scale, &bias, &sigmoid,
                          &views[1], &views[2], &views[3]))
        return NULL;
    const int64_t *order = views[1].buf, *groups = views[2].buf;
    Py_ssize_t count = views[1].len / 8, width = columns > 0 ? columns : 1;
    int fits = views[2].len == views[1].len;
    for (Py_ssize_t i = 0; fits && i < count; i++)
        fits = order[i] >= 0 && order[i] < views[0].len / 4 / width && groups[i] >= 0
               && groups[i] < views[3].len / 8 / width;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; fits && i < count; i++)
        sweeps->add_terms((float *)views[0].buf + order[i] * columns, columns, factor_of(scale),
                          shift_of(bias), sigmoid, (double *)views[3].buf + groups[i] * columns);
    Py_END_ALLOW_THREADS
    return done(views, 4, fits);
}

/* digests(words uint64 (N, W), factors uint64 (W,), digests uint64 (N,)) */
static PyObject *digests(PyObject *self, PyObject *given)
{
    Py_buffer views[3];
    if (!PyArg_ParseTuple(given, "y*y*w*", &views[0], &views[1], &views[2]))
        return NULL;
    Py_ssize_t columns = views[1].len / 8, count = views[2].len / 8;
    int fits = views[0].len == 8 * count * columns;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t row = 0; fits && row < count; row++)
        ((uint64_t *)views[2].buf)[row]
            = sweeps->digest((uint64_t *)views[0].buf + row * columns, views[1].buf, columns);
    Py_END_ALLOW_THREADS
    return done(views, 3, fits);
}

static PyMethodDef methods[] = {{"read", read_rows, METH_VARARGS, NULL},
                                {"add_terms", add_terms, METH_VARARGS, NULL},
                                {"digests", digests, METH_VARARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_rows", NULL, -1, methods};

PyMODINIT_FUNC PyInit__rows(void)
{
    PyObject *made = PyModule_Create(&module);
    sweeps = chosen();
    if (made && PyModule_AddStringConstant(made, "instructions", sweeps ? sweeps->name : "") < 0)
        Py_CLEAR(made);
    return made;
}
