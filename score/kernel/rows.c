/* The sums over rows of cosines that definition.py defines, for compiled.py, which checks that arrays
 * are contiguous and of the right types; sizes are checked here. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <math.h>
#include <string.h>
/* What replaces the nearest class in a row: its exponential is 0, and so is 0 times it. */
#define HIDDEN (-FLT_MAX / 4)
/* 1.5 × 2^23: a sum with it has no digits after the point, and its bits count them. */
#define ROUNDING 12582912.0f
#define ROUNDING_BITS 0x4B400000
#define LOG_2 0.693147180559945309417
/* So many numbers are added as floats, 63 a lane, before they are as doubles. So many factors of at most
 * 2 fit into a lane, and those of all lanes into a double. */
#define BLOCK(lanes) (63 * (lanes))
#define AHEAD 4 /* Rows whose two nearest are looked for before the sums of one. */
enum { MOST_ASKED = 64, MOST_COLUMNS = 1 << 24 };
typedef enum { EXP, MOMENTS, SOFTPLUS, SIGMOIDS } Terms;
static const int sums_of[] = {1, 3, 1, 2};
typedef struct { float value; int at; } Place;
typedef struct { float part; int whole; } Shift;
/* Scales and logits in units of log 2. */
static float factor_of(double scale) { return (float)fmax(-FLT_MAX, fmin(scale / LOG_2, FLT_MAX)); }
static Shift shift_of(double logit)
{
    double bits = logit / LOG_2, whole = rint(fmax(-1e8, fmin(bits, 1e8)));
    return (Shift){(float)(bits - whole), (int)whole};
}
/* What is compiled for one set of instructions. */
typedef struct {
    const char *name;
    Py_ssize_t block;
    void (*hide)(float *, size_t, Place[2]);
    void (*add_sums)(Terms, const float *, size_t, float, double, double *);
    void (*add_terms)(const float *, size_t, float, Shift, int, double *);
    void (*dots)(const float *, const float *, const float *, size_t, double *);
} Sweeps;
#define SWEEPS(label) {label, BLOCK(LANES), NAME(hide), NAME(add_sums), NAME(add_terms), NAME(dots)}
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
    const char *asked = getenv("OODCACHE_KERNEL");
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return NULL;
    int wide = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
               && __builtin_cpu_supports("avx512vl");
    return wide && !(asked && !strcmp(asked, "avx2")) ? &avx512 : &avx2;
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
/* read(numbers float32 (N, K), K, find, asked float64 (A, 3), vectors float32 (N, D), others (M, D), D,
 * places int64 (N, 2), values float64 (N, 2), sums float64 (S, N)). With `find`, the places of the two
 * largest of each row are looked for, and numbers become gaps; then with a dimension the values are
 * products of vectors and others. Asked are the kind, scale and bias of sums. */
static PyObject *read_rows(PyObject *self, PyObject *given)
{
    Py_buffer views[7];
    Py_ssize_t columns, dimension, total = 0, block = sweeps->block;
    int find, kinds[MOST_ASKED];
    float factors[MOST_ASKED];
    Place found[2];
    if (!PyArg_ParseTuple(given, "w*npy*y*y*nw*w*w*", &views[0], &columns, &find, &views[1],
                          &views[2], &views[3], &dimension, &views[4], &views[5], &views[6]))
        return NULL;
    float *numbers = views[0].buf;
    const double *asked = views[1].buf;
    const float *vectors = views[2].buf, *others = views[3].buf;
    int64_t *places = views[4].buf;
    double *values = views[5].buf, *sums = views[6].buf;
    Py_ssize_t rows = views[4].len / 16, every = views[1].len / 24;
    int fits = columns > 1 && columns < MOST_COLUMNS && dimension >= 0 && dimension < MOST_COLUMNS
               && (find || !dimension) && every <= MOST_ASKED && views[5].len == views[4].len
               && views[0].len == 4 * rows * columns && views[2].len == 4 * rows * dimension
               && views[3].len >= 4 * columns * dimension;
    for (int i = 0; fits && i < every; i++) {
        fits = asked[3 * i] >= EXP && asked[3 * i] <= SIGMOIDS;
        kinds[i] = fits ? (int)asked[3 * i] : EXP;
        factors[i] = factor_of(asked[3 * i + 1]);
        total += sums_of[kinds[i]];
    }
    fits = fits && views[6].len == 8 * total * rows;
    Py_BEGIN_ALLOW_THREADS
    /* The next rows' classes come from memory while a row is summed. */
    for (Py_ssize_t ahead = 0, row; fits && ahead < rows + AHEAD; ahead++) {
        if (find && ahead < rows)
            sweeps->hide(numbers + ahead * columns, columns, found);
        for (int i = 0; find && ahead < rows && i < 2; i++) {
            places[2 * ahead + i] = found[i].at;
            values[2 * ahead + i] = found[i].value;
            for (Py_ssize_t k = 0; k < dimension; k += 16)
                __builtin_prefetch(others + found[i].at * dimension + k);
        }
        if ((row = ahead - AHEAD) < 0)
            continue;
        if (dimension)
            sweeps->dots(vectors + row * dimension, others + places[2 * row] * dimension,
                         others + places[2 * row + 1] * dimension, dimension, values + 2 * row);
        double lower = fmin(values[2 * row], values[2 * row + 1]), *out = sums + row;
        for (int i = 0; i < every; i++) {
            double three[3] = {0}, logit = asked[3 * i + 1] * lower + asked[3 * i + 2];
            for (Py_ssize_t k = 0; k < columns; k += block)
                sweeps->add_sums(kinds[i], numbers + row * columns + k,
                                 columns - k < block ? columns - k : block, factors[i], logit, three);
            for (int j = 0; j < sums_of[kinds[i]]; j++, out += rows)
                *out = three[j];
        }
    }
    Py_END_ALLOW_THREADS
    return done(views, 7, fits);
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
    Py_ssize_t count = views[1].len / 8;
    int fits = columns > 0 && columns < MOST_COLUMNS && views[2].len == views[1].len;
    for (Py_ssize_t i = 0; fits && i < count; i++)
        fits = order[i] >= 0 && order[i] < views[0].len / 4 / columns && groups[i] >= 0
               && groups[i] < views[3].len / 8 / columns;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; fits && i < count; i++)
        sweeps->add_terms((float *)views[0].buf + order[i] * columns, columns, factor_of(scale),
                          shift_of(bias), sigmoid, (double *)views[3].buf + groups[i] * columns);
    Py_END_ALLOW_THREADS
    return done(views, 4, fits);
}
static PyMethodDef methods[] = {{"read", read_rows, METH_VARARGS, NULL},
                                {"add_terms", add_terms, METH_VARARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_rows", NULL, -1, methods};
PyMODINIT_FUNC PyInit__rows(void)
{
    if ((sweeps = chosen()) == NULL) {
        PyErr_SetString(PyExc_ImportError, "the processor lacks AVX2 or FMA");
        return NULL;
    }
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddStringConstant(made, "instructions", sweeps->name) < 0)
        Py_CLEAR(made);
    return made;
}
