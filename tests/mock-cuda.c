/* A CUDA driver and cuBLAS whose kernels do nothing, for tests/no-gpu.sh: what a GPU refuses can be seen without one.
   MOCK_GPUS: how many there are; none: cuInit finds no device. MOCK_CAPABILITY: major compute capability.
   MOCK_MEMORY: bytes. */
#include <stdlib.h>
#include <string.h>

typedef size_t word;
enum { NO_DEVICE = 100, OUT_OF_MEMORY = 2, MAJOR = 75, POOLS = 115 };
static word used;

static word setting(const char *name, word otherwise) {
    const char *value = getenv(name);
    return value ? strtoull(value, 0, 10) : otherwise;
}

int cuInit(unsigned flags) { return setting("MOCK_GPUS", 1) ? 0 : NO_DEVICE; }
int cuDeviceGetCount(int *count) { *count = setting("MOCK_GPUS", 1); return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) { strncpy(name, "Mock", length); return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == MAJOR ? setting("MOCK_CAPABILITY", 9) : attribute == POOLS;
    return 0;
}
int cuMemGetInfo_v2(word *left, word *all) {
    *all = setting("MOCK_MEMORY", 1 << 30);
    *left = *all - used;
    return 0;
}
int cuMemAllocAsync(word *pointer, word bytes, void *stream) {
    if (used + bytes > setting("MOCK_MEMORY", 1 << 30)) return OUT_OF_MEMORY;
    used += bytes;
    word *block = calloc(1, bytes + sizeof(word));
    *block = bytes;
    *pointer = (word)(block + 1);
    return 0;
}
int cuMemFreeAsync(word pointer, void *stream) {
    word *block = (word *)pointer - 1;
    used -= *block;
    free(block);
    return 0;
}
static int copy(word to, word from, word bytes) { memcpy((void *)to, (void *)from, bytes); return 0; }
int cuMemcpyHtoDAsync_v2(word to, word from, word bytes, void *stream) { return copy(to, from, bytes); }
int cuMemcpyDtoHAsync_v2(word to, word from, word bytes, void *stream) { return copy(to, from, bytes); }
int cuMemcpyDtoDAsync_v2(word to, word from, word bytes, void *stream) { return copy(to, from, bytes); }
int cuMemsetD8Async(word at, unsigned char value, word bytes, void *stream) { memset((void *)at, value, bytes); return 0; }
int cuGetErrorString(int error, const char **text) { *text = "mocked"; return 0; }

#define DOES_NOTHING(name) int name(void) { return 0; }
DOES_NOTHING(cuDevicePrimaryCtxRetain)
DOES_NOTHING(cuDevicePrimaryCtxRelease_v2)
DOES_NOTHING(cuCtxSetCurrent)
DOES_NOTHING(cuEventCreate)
DOES_NOTHING(cuEventRecord)
DOES_NOTHING(cuEventDestroy_v2)
DOES_NOTHING(cuStreamCreate)
DOES_NOTHING(cuStreamWaitEvent)
DOES_NOTHING(cuStreamSynchronize)
DOES_NOTHING(cuStreamDestroy_v2)
DOES_NOTHING(cuModuleLoadData)
DOES_NOTHING(cuModuleGetFunction)
DOES_NOTHING(cuModuleUnload)
DOES_NOTHING(cuLaunchKernel)
DOES_NOTHING(cublasCreate_v2)
DOES_NOTHING(cublasDestroy_v2)
DOES_NOTHING(cublasSetStream_v2)
DOES_NOTHING(cublasSgemm_v2)

/* Never called where memory pools are there, but linked. */
DOES_NOTHING(cuMemAlloc_v2)
DOES_NOTHING(cuMemFree_v2)
DOES_NOTHING(cuMemcpyDtoD_v2)
DOES_NOTHING(cuMemcpyDtoH_v2)
DOES_NOTHING(cuMemcpyHtoD_v2)
DOES_NOTHING(cuMemsetD8_v2)
DOES_NOTHING(cuModuleLoad)
