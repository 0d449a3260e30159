/* What all kernels share: splitting the work, threads, tails, and the sums for parameters.

   Work comes in three shapes. Flat: n elements, parameters are single numbers. Rows: outer rows of
   `channels` elements, parameters are arrays of that length (channels last, or an MLP's layers).
   Planes: outer * channels stretches of `inner` elements, one value of each parameter a stretch.
   The pieces do not depend on the number of threads, and their sums are added in a fixed order. */

#include <stdlib.h>

#define ACT_BLOCK 64       /* bodies run over multiples of it, but for rows; a tail is padded */
#define ACT_PIECE 4096     /* elements of one partial sum */
#define ACT_PARTS 64       /* most pieces in which rows are added up */
#define ACT_THREADED 32768 /* fewer elements are not worth a second thread */

typedef struct {
    const REAL *gradient; /* of the output; NULL for the value */
    const REAL *in[3];
    const REAL *parameters; /* the k-th begins at k * step */
    long step;
    REAL *out[3]; /* the value, or a gradient for each input */
} act_arguments;

typedef void (*act_body)(const act_arguments *, long n, double *sums);

typedef struct {
    act_body body;
    const act_arguments *arguments;
    int n_parameters;
    long outer, channels, inner;
    long n_pieces;
    long rows; /* of one piece, in the second shape */
    double *sums;
} act_job;

typedef void (*act_parallel)(void (*)(void *), void *, unsigned, unsigned);
typedef int (*act_number)(void);
static act_parallel act_start;
static act_number act_thread, act_threads;

/* Take the thread pool that the host program uses: GOMP_parallel and the two omp_get functions. */
void act_setup(act_parallel start, act_number thread, act_number threads)
{
    act_start = start;
    act_thread = thread;
    act_threads = threads;
}

static act_arguments act_moved(const act_arguments *a, long offset)
{
    act_arguments b = *a;
    for (int k = 0; k < 3; ++k) {
        if (b.in[k]) b.in[k] += offset;
        if (b.out[k]) b.out[k] += offset;
    }
    if (b.gradient) b.gradient += offset;
    return b;
}

/* Fewer than ACT_BLOCK elements: in copies, the last one repeated, with nothing flowing back. (A
   sum that is infinite may so become NaN: 0 times an infinite slope.) */
static void act_tail(act_body body, const act_arguments *a, long n, double *sums)
{
    REAL in[3][ACT_BLOCK], out[3][ACT_BLOCK], gradient[ACT_BLOCK];
    act_arguments b = *a;
    for (int k = 0; k < 3; ++k) {
        if (a->in[k]) {
            for (long i = 0; i < ACT_BLOCK; ++i) in[k][i] = a->in[k][i < n ? i : n - 1];
            b.in[k] = in[k];
        }
        if (a->out[k]) b.out[k] = out[k];
    }
    if (a->gradient) {
        for (long i = 0; i < ACT_BLOCK; ++i) gradient[i] = i < n ? a->gradient[i] : 0;
        b.gradient = gradient;
    }
    body(&b, ACT_BLOCK, sums);
    for (int k = 0; k < 3; ++k)
        if (a->out[k]) memcpy(a->out[k], out[k], n * sizeof(REAL));
}

static void act_stretch(act_body body, const act_arguments *a, long n, double *sums)
{
    const long whole = n / ACT_BLOCK * ACT_BLOCK;
    if (whole) body(a, whole, sums);
    if (whole < n) {
        const act_arguments rest = act_moved(a, whole);
        act_tail(body, &rest, n - whole, sums);
    }
}

static void act_piece(const act_job *job, long piece)
{
    if (!job->channels) {
        const long begin = piece * ACT_PIECE, left = job->inner - begin;
        const act_arguments a = act_moved(job->arguments, begin);
        act_stretch(job->body, &a, left < ACT_PIECE ? left : ACT_PIECE,
                    job->sums + piece * job->n_parameters);
    } else if (job->inner == 1) {
        double *sums = job->sums + piece * job->n_parameters * job->channels;
        const long begin = piece * job->rows, end = begin + job->rows;
        for (long row = begin; row < end && row < job->outer; ++row) {
            const act_arguments a = act_moved(job->arguments, row * job->channels);
            job->body(&a, job->channels, sums);
        }
    } else {
        act_arguments a = act_moved(job->arguments, piece * job->inner);
        a.parameters += piece % job->channels;
        act_stretch(job->body, &a, job->inner, job->sums + piece * job->n_parameters);
    }
}

static void act_share(void *data)
{
    const act_job *job = data;
    const long thread = act_thread(), threads = act_threads();
    const long end = job->n_pieces * (thread + 1) / threads;
    for (long piece = job->n_pieces * thread / threads; piece < end; ++piece) act_piece(job, piece);
}

/* Add the partial sums of all pieces, in order; result is (n_parameters, channels or 1). */
static void act_add(const act_job *job, double *result)
{
    const long channels = job->channels ? job->channels : 1;
    for (int k = 0; k < job->n_parameters; ++k)
        for (long c = 0; c < channels; ++c) {
            double sum = 0;
            if (job->channels && job->inner == 1)
                for (long piece = 0; piece < job->n_pieces; ++piece)
                    sum += job->sums[(piece * job->n_parameters + k) * channels + c];
            else
                for (long piece = c; piece < job->n_pieces; piece += channels)
                    sum += job->sums[piece * job->n_parameters + k];
            result[k * channels + c] = sum;
        }
}

/* Run a body over all elements; 0, or 1 where memory ran out.
   channels is 0 for the flat shape, whose elements are counted by inner. */
int act_call(act_body body, int n_parameters, long outer, long channels, long inner, int threads,
             const REAL *gradient, const REAL *x, const REAL *u, const REAL *o,
             const REAL *parameters, REAL *out0, REAL *out1, REAL *out2, double *result)
{
    const act_arguments a = {gradient, {x, u, o}, parameters, channels ? channels : 1,
                             {out0, out1, out2}};
    act_job job = {body, &a, result ? n_parameters : 0, outer, channels, inner, 0, 1, NULL};
    if (gradient && n_parameters && !result) return 1;
    const long n = channels ? outer * channels * inner : inner;
    if (!channels)
        job.n_pieces = (inner + ACT_PIECE - 1) / ACT_PIECE;
    else if (inner == 1) {
        /* At most ACT_PARTS pieces, for each has sums of all channels. */
        const long fair = (outer + ACT_PARTS - 1) / ACT_PARTS, few = ACT_PIECE / channels;
        job.rows = fair > few ? fair : few;
        job.n_pieces = (outer + job.rows - 1) / job.rows;
    } else
        job.n_pieces = outer * channels;
    if (result) {
        const long width = channels && inner == 1 ? channels : 1;
        job.sums = calloc((size_t)(job.n_pieces * n_parameters * width) + 1, sizeof(double));
        if (!job.sums) return 1;
    }
    if (threads > 1 && act_start && n >= ACT_THREADED)
        act_start(act_share, &job, (unsigned)threads, 0);
    else
        for (long piece = 0; piece < job.n_pieces; ++piece) act_piece(&job, piece);
    if (result) {
        act_add(&job, result);
        free(job.sums);
    }
    return 0;
}
