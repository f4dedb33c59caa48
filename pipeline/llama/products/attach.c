/* Puts the products of q8_0.c in the place of llama.cpp's, in one library of one process.

   llama.cpp calls its products of matrices through its own table of functions (System V ABI, AMD64 supplement: the
   procedure linkage table), as the dynamic linker filled it in. That entry is what is replaced, in the library that is
   named and in no other: another ggml in this process may have a function of this name that takes other things. */

#define _GNU_SOURCE
#include "products.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char name[] = "llamafile_sgemm";

typedef bool products(const thread_of *thread, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda,
                      const void *b, int64_t ldb, void *c, int64_t ldc, int type_a, int type_b, int type_c);

enum { F32 = 0, Q8_0 = 8 }; /* ggml's numbers of types */

static products *theirs;
static products *_Atomic *entry;

static bool ours(const thread_of *thread, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda, const void *b,
                 int64_t ldb, void *c, int64_t ldc, int type_a, int type_b, int type_c) {
    if (type_a != Q8_0 || type_b != Q8_0 || type_c != F32)
        return theirs(thread, m, n, k, a, lda, b, ldb, c, ldc, type_a, type_b, type_c);
    superego_q8_0(thread, m, n, k, a, lda, b, ldb, c, ldc);
    return true;
}

typedef struct {
    const char *library;
    void **entry;
} sought;

static int look(struct dl_phdr_info *library, size_t size, void *data) {
    (void)size;
    sought *what = data;
    if (strcmp(library->dlpi_name, what->library) != 0) return 0;
    const ElfW(Dyn) *dynamic = NULL;
    for (int i = 0; i < library->dlpi_phnum; i++)
        if (library->dlpi_phdr[i].p_type == PT_DYNAMIC)
            dynamic = (const void *)(library->dlpi_addr + library->dlpi_phdr[i].p_vaddr);
    if (!dynamic) return 1;
    const ElfW(Rela) *relocations = NULL;
    const ElfW(Sym) *symbols = NULL;
    const char *strings = NULL;
    size_t bytes = 0;
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        if (dynamic->d_tag == DT_JMPREL) relocations = (const void *)dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_PLTRELSZ) bytes = dynamic->d_un.d_val;
        if (dynamic->d_tag == DT_SYMTAB) symbols = (const void *)dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_STRTAB) strings = (const void *)dynamic->d_un.d_ptr;
    }
    if (!relocations || !symbols || !strings) return 1;
    for (size_t i = 0; i < bytes / sizeof *relocations; i++)
        if (strcmp(strings + symbols[ELF64_R_SYM(relocations[i].r_info)].st_name, name) == 0)
            what->entry = (void **)(library->dlpi_addr + relocations[i].r_offset);
    return 1;
}

/* Where libraries are linked with all functions looked up at once, the table is read-only afterwards. It stays
   writable: what else lies in that page may have been so. */
static bool writable(void **at) {
    const long page = sysconf(_SC_PAGESIZE);
    return mprotect((void *)((uintptr_t)at & -(uintptr_t)page), (size_t)page, PROT_READ | PROT_WRITE) == 0;
}

/* Whether ours are in place in the library behind this handle of dlopen, or in the one of those it needs that has the
   function. For processors that superego_has_vnni. Nobody may be multiplying meanwhile: two threads at one product would
   share it out in two ways. */
bool superego_attach(void *handle) {
    if (entry) return true;
    Dl_info found;
    theirs = (products *)dlsym(handle, name);
    if (!theirs || !dladdr((void *)theirs, &found)) return false;
    sought what = {found.dli_fname, NULL};
    dl_iterate_phdr(look, &what);
    if (!what.entry || !writable(what.entry)) return false;
    entry = (products *_Atomic *)what.entry;
    atomic_store(entry, ours);
    return true;
}

bool superego_attached(void) { return entry && *entry == ours; }

/* Ours or theirs from now on, once attached. Nobody may be multiplying meanwhile. */
void superego_use(bool those_here) {
    if (entry) atomic_store(entry, those_here ? ours : theirs);
}
