#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How ggml's parameters of a thread begin. */
typedef struct {
    int number, of;
} thread_of;

bool superego_has_vnni(void);

/* The thread's share of c = a b: `a` has m rows of k blocks, `b` n columns of k blocks, c n columns of m floats. Strides
   are counted in blocks, that of c in floats. */
void superego_q8_0(const thread_of *thread, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda, const void *b,
                   int64_t ldb, float *c, int64_t ldc);
