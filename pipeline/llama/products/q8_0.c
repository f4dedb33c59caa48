/* Products of matrices whose weights are Q8_0, for processors with AVX-512 and VNNI.

   llama.cpp multiplies such weights 256 bits at a time, and spends four instructions on signs, scales and conversion for
   each that multiplies. Here sixteen rows of the weights are turned, block by block, so that each lane of a vector
   belongs to a row: eight instructions multiply sixteen rows of 32 numbers with a column, three more scale what came
   out. What is added up within a block is exact, blocks are added in their order: an element of the product does not
   depend on how many columns or threads there are.

   The format is llama.cpp's: 32 signed bytes and a scale of half precision. What both sides hold is signed, and the
   instruction wants one unsigned side. So 128 is added to each number of the columns, and what that adds to a product,
   128 times the sum of the row, is where the sum begins. */

#include "products.h"

#include <immintrin.h>
#include <stddef.h>

enum {
    NUMBERS = 32,  /* in a block */
    ROWS = 16,     /* of weights, a lane each */
    TILE = 8,      /* columns at a time, whose sums stay in registers */
    CHUNK = 18,    /* blocks of a row at a time: what was turned stays in the first cache */
    COLUMNS = 256, /* at a time, of one chunk, or fewer of more: what was made unsigned stays in the second */
};

typedef struct {
    uint16_t scale;
    int8_t numbers[NUMBERS];
} block;

typedef struct { /* a block of each of sixteen rows: of vector i, each lane holds numbers 4i to 4i + 3 of its row */
    __m512i numbers[NUMBERS / 4];
    __m512i begin;
    __m512 scales;
} turned;

typedef struct {
    turned rows[CHUNK];
    int32_t fours[COLUMNS * CHUNK][NUMBERS / 4]; /* of unsigned bytes */
    float scales[COLUMNS * CHUNK];
} workplace;

/* glibc allots it at a thread's first product, and frees it at the thread's end. */
static _Thread_local workplace place;

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni,avx2,fma,f16c")))
#define UNROLLED _Pragma("GCC unroll 8")

bool superego_has_vnni(void) {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"); /* what has them has the rest */
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* What is missing of sixteen rows is the first one again, and is not stored in the end. Meanwhile what is read `next`, if
   anything, is fetched, sixteen blocks for each: all weights are read once for a token, and by itself hardware fetches
   them more slowly. It goes to the second cache, since the first has no room for it. */
VNNI static void turn(turned *out, const block *weights, int64_t stride, int64_t blocks, int64_t rows,
                      const block *next) {
    const __m512i ones = _mm512_set1_epi8(1);
    const __m512i low = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    const __m512i high = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    for (int64_t b = 0; b < blocks; b++) {
        for (size_t at = 0; next && at < ROWS * sizeof(block); at += 64)
            __builtin_prefetch((const char *)(next + b * ROWS) + at, 0, 2);
        __m512i a[8], c[8];
        uint16_t scales[ROWS];
        UNROLLED for (int i = 0; i < 8; i++) {
            const block *one = weights + (i < rows ? i : 0) * stride + b;
            const block *other = weights + (i + 8 < rows ? i + 8 : 0) * stride + b;
            a[i] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const void *)one->numbers)),
                                      _mm256_loadu_si256((const void *)other->numbers), 1);
            scales[i] = one->scale;
            scales[i + 8] = other->scale;
        }
        UNROLLED for (int i = 0; i < 8; i += 2) { /* two rows side by side, then four, then eight, in each half */
            c[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
            c[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
        }
        UNROLLED for (int i = 0; i < 8; i += 4) {
            a[i] = _mm512_unpacklo_epi64(c[i], c[i + 2]);
            a[i + 1] = _mm512_unpackhi_epi64(c[i], c[i + 2]);
            a[i + 2] = _mm512_unpacklo_epi64(c[i + 1], c[i + 3]);
            a[i + 3] = _mm512_unpackhi_epi64(c[i + 1], c[i + 3]);
        }
        __m512i sum = _mm512_setzero_si512();
        UNROLLED for (int i = 0; i < 4; i++) {
            out[b].numbers[i] = _mm512_permutex2var_epi64(a[i], low, a[i + 4]);
            out[b].numbers[i + 4] = _mm512_permutex2var_epi64(a[i], high, a[i + 4]);
            sum = _mm512_dpbusd_epi32(sum, ones, out[b].numbers[i]);
            sum = _mm512_dpbusd_epi32(sum, ones, out[b].numbers[i + 4]);
        }
        out[b].begin = _mm512_slli_epi32(_mm512_sub_epi32(_mm512_setzero_si512(), sum), 7);
        out[b].scales = _mm512_cvtph_ps(_mm256_loadu_si256((const void *)scales));
    }
}

/* Sixteen rows times some columns of one chunk, added to what earlier ones left in `product`. `count` is a constant
   wherever it is called, so that the sums lie in registers. */
VNNI __attribute__((always_inline)) static inline void tile(int count, int64_t blocks, int64_t from, int64_t deep,
                                                            float *product, int64_t stride, __mmask16 lanes,
                                                            bool first) {
    const turned *rows = place.rows;
    const int32_t(*fours)[NUMBERS / 4] = place.fours + from;
    const float *scales = place.scales + from;
    __m512 sums[TILE];
    UNROLLED for (int j = 0; j < count; j++)
        sums[j] = first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(lanes, product + j * stride);
    for (int64_t b = 0; b < blocks; b++) {
        __m512i weights[NUMBERS / 4];
        UNROLLED for (int i = 0; i < NUMBERS / 4; i++) weights[i] = rows[b].numbers[i];
        UNROLLED for (int j = 0; j < count; j++) {
            __m512i sum = rows[b].begin;
            UNROLLED for (int i = 0; i < NUMBERS / 4; i++)
                sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(fours[j * deep + b][i]), weights[i]);
            const __m512 scale = _mm512_mul_ps(rows[b].scales, _mm512_set1_ps(scales[j * deep + b]));
            sums[j] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, sums[j]);
        }
    }
    UNROLLED for (int j = 0; j < count; j++) _mm512_mask_storeu_ps(product + j * stride, lanes, sums[j]);
}

VNNI static void tiles(int64_t columns, int64_t blocks, int64_t at, int64_t deep, float *product, int64_t stride,
                       __mmask16 lanes, bool first) {
    for (int64_t j = 0; j < columns; j += TILE) {
#define CASE(count)                                                                           \
    case count:                                                                               \
        tile(count, blocks, j * deep + at, deep, product + j * stride, stride, lanes, first); \
        break;
        switch (least(columns - j, TILE)) {
            CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
        }
#undef CASE
    }
}

VNNI static void make_unsigned(const block *columns, int64_t stride, int64_t count, int64_t deep) {
    const __m256i sign = _mm256_set1_epi8((char)0x80);
    for (int64_t j = 0; j < count; j++)
        for (int64_t b = 0; b < deep; b++) {
            const block *each = columns + j * stride + b;
            const __m256i numbers = _mm256_loadu_si256((const void *)each->numbers);
            _mm256_storeu_si256((void *)place.fours[j * deep + b], _mm256_xor_si256(numbers, sign));
            place.scales[j * deep + b] = _cvtsh_ss(each->scale);
        }
}

VNNI void superego_q8_0(const thread_of *thread, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda,
                        const void *b, int64_t ldb, float *c, int64_t ldc) {
    const int64_t all = (m + ROWS - 1) / ROWS;
    const int64_t begin = all * thread->number / thread->of * ROWS;
    const int64_t end = least(m, all * (thread->number + 1) / thread->of * ROWS);
    if (begin >= end) return;
    for (int64_t column = 0; column < n; column += COLUMNS) {
        const int64_t columns = least(n - column, COLUMNS), most = COLUMNS / columns * CHUNK;
        for (int64_t depth = 0; depth < k; depth += most) {
            const int64_t deep = least(k - depth, most);
            make_unsigned((const block *)b + column * ldb + depth, ldb, columns, deep);
            for (int64_t row = begin; row < end; row += ROWS) {
                const int64_t rows = least(m - row, ROWS);
                const __mmask16 lanes = (__mmask16)((1u << rows) - 1);
                const block *weights = (const block *)a + row * lda + depth;
                const bool on = lda == k && deep == k && row + ROWS < end; /* through memory, without a gap */
                for (int64_t at = 0; at < deep; at += CHUNK) {
                    const int64_t blocks = least(deep - at, CHUNK);
                    turn(place.rows, weights + at, lda, blocks, rows, on ? weights + ROWS * (k + at) : NULL);
                    tiles(columns, blocks, at, deep, c + column * ldc + row, ldc, lanes, depth + at == 0);
                }
            }
        }
    }
}
