/* A stand-in for the driver's libnvidia-ml.so.1: it answers what a scenario file says.
 *
 * OLD_DRIVER leaves out what a driver of the 470 series does not have, so that looking it up
 * really fails. `nvmlStub...` functions are for tests alone. */
#include "scenario.h"

#include <stdatomic.h>
#include <stdint.h>

enum { SUCCESS, UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND = 6,
       INSUFFICIENT_SIZE = 7, TIMEOUT = 10, GPU_IS_LOST = 15, VERSION_MISMATCH = 25 };

/* A device handle is a number: session, place in that session's order, MIG instance plus one.
 * One kept from an earlier session is thereby known as stale. */
typedef void *device;

static struct {
    pthread_mutex_t lock;
    int users, length;
    uintptr_t number;
    char uuid[64][TEXT];
    int listening[64], delivered[64];
} session = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_long stale_handles, used_before_init, shut_down_under_calls, changed, in_flight;
static atomic_long short_answers, wrong_samples, samples_held;

/* ---- how often each function was called ---- */

typedef struct counter { const char *name; atomic_long calls; atomic_int listed;
                         struct counter *next; } counter;
static _Atomic(counter *) counters;

static void count(counter *it) {
    if (!atomic_exchange(&it->listed, 1)) {
        it->next = atomic_load(&counters);
        while (!atomic_compare_exchange_weak(&counters, &it->next, it)) {}
    }
    it->calls++;
}

long nvmlStubCallCount(const char *name) {
    long all = 0;
    for (counter *it = counters; it; it = it->next)
        if (!*name || !strcmp(it->name, name)) all += it->calls;
    return all;
}

long nvmlStubMisuse(const char *kind) {
    return !strcmp(kind, "stale_handle") ? stale_handles
         : !strcmp(kind, "before_init")  ? used_before_init
         : !strcmp(kind, "wrong_sample") ? wrong_samples
         : !strcmp(kind, "kept_sample")  ? session.users ? 0 : samples_held
         : !strcmp(kind, "changed")      ? changed : shut_down_under_calls;
}

/* ---- which question was put to which device how often, while a test listens ---- */

typedef struct { const char *function; device handle; char key[64]; long times; } question;
static struct { pthread_mutex_t lock; atomic_int on; int length; question asked[8192]; }
heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hear(const char *function, device handle, const char *key) {
    pthread_mutex_lock(&heard.lock);
    question *it = heard.asked, *end = heard.asked + heard.length;
    while (it < end && (it->function != function || it->handle != handle || strcmp(it->key, key)))
        it++;
    if (it == end) {
        if (++heard.length > 8192) abort();
        *it = (question){.function = function, .handle = handle};
        snprintf(it->key, sizeof it->key, "%s", key);
    }
    it->times++;
    pthread_mutex_unlock(&heard.lock);
}

void nvmlStubListen(int on) {
    if (on) heard.length = 0;
    heard.on = on;
}

/* `function place mig key times`, with mig 0 for a GPU itself; 0 past the last question. */
int nvmlStubHeard(int at, char *out, int size) {
    if (at >= heard.length) return 0;
    question *it = &heard.asked[at];
    uintptr_t handle = (uintptr_t)it->handle;
    int place = handle ? (int)(handle >> 8 & 255) : NONE;
    snprintf(out, (size_t)size, "%s %d %d %s %ld", it->function, place, (int)(handle & 255),
             it->key, it->times);
    return 1;
}

void nvmlStubReset(void) {
    session.users = 0;
    stale_handles = used_before_init = shut_down_under_calls = changed = short_answers = 0;
    wrong_samples = samples_held = 0;
    for (counter *it = counters; it; it = it->next) it->calls = 0;
}

long nvmlStubInFlight(void) { return in_flight; }

void nvmlStubUseScenario(const char *path) {
    pthread_rwlock_wrlock(&world.lock);
    snprintf(world.path, sizeof world.path, "%s", path);
    memset(&world.seen, 0, sizeof world.seen);
    world.check_every_ms = 0;
    pthread_rwlock_unlock(&world.lock);
}

__attribute__((constructor)) static void start(void) {
    if (getenv("NVML_STUB_SCENARIO")) nvmlStubUseScenario(getenv("NVML_STUB_SCENARIO"));
}

__attribute__((destructor)) static void write_counts(void) {
    const char *path = getenv("NVML_STUB_COUNTS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    for (counter *it = counters; it; it = it->next) fprintf(file, "%s %ld\n", it->name, it->calls);
    fclose(file);
}

/* ---- looking things up ---- */

/* The section of a handle, or an error. A GPU is known by its UUID, so it keeps its handle when
 * its number changes, and is lost when it is not there any more. */
static int locate(device handle, int *gpu, int *mig) {
    uintptr_t number = (uintptr_t)handle >> 16;
    int place = (int)((uintptr_t)handle >> 8 & 255);
    *mig = (int)((uintptr_t)handle & 255) ? (int)((uintptr_t)handle & 255) - 1 : NONE;
    if (number != session.number || place >= session.length) {
        stale_handles++;
        return INVALID_ARGUMENT;
    }
    for (section *at = world.sections; at < world.sections + world.length; at++) {
        const char *uuid = at->gpu >= 0 && at->mig == NONE ? raw(at->gpu, NONE, "uuid") : NULL;
        if (uuid && !strcmp(uuid, session.uuid[place])) {
            *gpu = at->gpu;
            return SUCCESS;
        }
    }
    return GPU_IS_LOST;
}

static int look(device handle, const char *key, char out[TEXT], long *delay) {
    int gpu = NONE, mig = NONE, code;
    char slow[TEXT];
    if (handle) {
        if ((code = locate(handle, &gpu, &mig))) return code;
        if ((code = error_code(raw(gpu, NONE, "state")))) return code;
        if (mig != NONE && !raw(gpu, mig, "uuid")) return NOT_FOUND;
    }
    const char *value = raw(gpu, mig, key);
    snprintf(slow, sizeof slow, "%s.delay_ms", key);
    const char *wait = raw(gpu, mig, slow);
    if (!wait) wait = raw(gpu, mig, "delay_ms");
    *delay = wait ? atol(wait) : 0;
    if (!value) return NOT_SUPPORTED;
    if ((code = error_code(value))) return code;
    snprintf(out, TEXT, "%s", value);
    return SUCCESS;
}

static int ask(counter *it, device handle, const char *key, char out[TEXT]) {
    long delay = 0;
    int code;
    count(it);
    if (heard.on) hear(it->name, handle, key);
    if (!session.users) {
        used_before_init++;
        return UNINITIALIZED;
    }
    in_flight++;
    for (;;) {
        pthread_rwlock_rdlock(&world.lock);
        reload();
        code = look(handle, key, out, &delay);
        pthread_rwlock_unlock(&world.lock);
        if (code != HANG) break;
        pause_ms(2);
    }
    if (delay) pause_ms(delay);
    in_flight--;
    return code;
}

static int ask_number(counter *it, device handle, const char *key, unsigned long long *out) {
    char text[TEXT];
    int code = ask(it, handle, key, text);
    if (!code) *out = strtoull(text, NULL, 0);
    return code;
}

static int ask_text(counter *it, device handle, const char *key, char *out, unsigned size) {
    char text[TEXT];
    int code = ask(it, handle, key, text);
    if (!code && strlen(text) >= size) return INSUFFICIENT_SIZE;
    if (!code) snprintf(out, size, "%s", text);
    return code;
}

#define COUNTED static counter me = {.name = __func__}

/* One unsigned number of a device. */
#define NUMBER(function, type, key)                                                               \
    int function(device handle, type *out) {                                                      \
        COUNTED;                                                                                  \
        unsigned long long value;                                                                 \
        int code = ask_number(&me, handle, key, &value);                                          \
        if (!code) *out = (type)value;                                                            \
        return code;                                                                              \
    }

/* Two numbers written one after the other. */
#define PAIR(function, key)                                                                       \
    int function(device handle, unsigned *first, unsigned *second) {                              \
        COUNTED;                                                                                  \
        char text[TEXT];                                                                          \
        int code = ask(&me, handle, key, text);                                                   \
        if (!code) sscanf(text, "%u %u", first, second);                                          \
        return code;                                                                              \
    }

/* A number for each kind that is asked for. */
#define KINDS(function, type, ...)                                                                \
    int function(device handle, unsigned kind, type *out) {                                       \
        COUNTED;                                                                                  \
        static const char *const keys[] = {__VA_ARGS__};                                          \
        unsigned long long value;                                                                 \
        if (kind >= sizeof keys / sizeof *keys) return INVALID_ARGUMENT;                          \
        int code = ask_number(&me, handle, keys[kind], &value);                                   \
        if (!code) *out = (type)value;                                                            \
        return code;                                                                              \
    }

#define WORDS(function, key)                                                                      \
    int function(device handle, char *out, unsigned size) {                                       \
        COUNTED;                                                                                  \
        return ask_text(&me, handle, key, out, size);                                             \
    }

#define DRIVER_WORDS(function, key)                                                               \
    int function(char *out, unsigned size) {                                                      \
        COUNTED;                                                                                  \
        return ask_text(&me, NULL, key, out, size);                                               \
    }

#define DRIVER_NUMBER(function, key)                                                              \
    int function(int *out) {                                                                      \
        COUNTED;                                                                                  \
        unsigned long long value;                                                                 \
        int code = ask_number(&me, NULL, key, &value);                                            \
        if (!code) *out = (int)value;                                                             \
        return code;                                                                              \
    }

/* ---- the library and the driver ---- */

int nvmlInitWithFlags(unsigned flags) {
    COUNTED;
    char text[TEXT];
    (void)flags;
    session.users++;
    int code = ask(&me, NULL, "init", text);
    session.users--;
    if (code && code != NOT_SUPPORTED) return code;
    pthread_mutex_lock(&session.lock);
    if (session.users++ == 0) {
        session.number++;
        session.length = 0;
        memset(session.listening, 0, sizeof session.listening);
        pthread_rwlock_rdlock(&world.lock);
        for (const char *uuid; session.length < 64; session.length++) {
            if (!(uuid = raw(session.length, NONE, "uuid"))) break;
            snprintf(session.uuid[session.length], TEXT, "%s", uuid);
        }
        pthread_rwlock_unlock(&world.lock);
    }
    pthread_mutex_unlock(&session.lock);
    return SUCCESS;
}

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

int nvmlShutdown(void) {
    COUNTED;
    count(&me);
    pthread_mutex_lock(&session.lock);
    int code = session.users ? SUCCESS : UNINITIALIZED;
    if (session.users && --session.users == 0 && in_flight) shut_down_under_calls++;
    pthread_mutex_unlock(&session.lock);
    return code;
}

const char *nvmlErrorString(int code) {
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (ERRORS[i].code == code) return ERRORS[i].name;
    return "an error without a name";
}

DRIVER_WORDS(nvmlSystemGetDriverVersion, "driver_version")
DRIVER_WORDS(nvmlSystemGetNVMLVersion, "nvml_version")
DRIVER_NUMBER(nvmlSystemGetCudaDriverVersion, "cuda_version")
DRIVER_NUMBER(nvmlSystemGetCudaDriverVersion_v2, "cuda_version")

/* ---- devices ---- */

int nvmlDeviceGetCount_v2(unsigned *out) {
    COUNTED;
    char text[TEXT];
    int code = ask(&me, NULL, "count", text);
    if (code && code != NOT_SUPPORTED) return code;
    *out = (unsigned)session.length;
    return SUCCESS;
}

static device handle_of(int place, int mig) {
    return (device)(session.number << 16 | (uintptr_t)place << 8 | (uintptr_t)(mig + 1));
}

static int open_place(counter *it, int place, device *out) {
    char text[TEXT];
    if (place < 0 || place >= session.length) return INVALID_ARGUMENT;
    device handle = handle_of(place, -1);
    int code = ask(it, handle, "handle", text);
    if (code && code != NOT_SUPPORTED) return code;
    *out = handle;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device *out) {
    COUNTED;
    return open_place(&me, (int)index, out);
}

int nvmlDeviceGetHandleByUUID(const char *uuid, device *out) {
    COUNTED;
    for (int place = 0; place < session.length; place++)
        if (!strcmp(session.uuid[place], uuid)) return open_place(&me, place, out);
    count(&me);
    return NOT_FOUND;
}

int nvmlDeviceGetIndex(device handle, unsigned *out) {
    COUNTED;
    char text[TEXT];
    int code = ask(&me, handle, "uuid", text);
    if (!code) *out = (unsigned)((uintptr_t)handle >> 8 & 255);
    return code;
}

WORDS(nvmlDeviceGetName, "name")
WORDS(nvmlDeviceGetUUID, "uuid")
WORDS(nvmlDeviceGetSerial, "serial")
WORDS(nvmlDeviceGetVbiosVersion, "vbios")
NUMBER(nvmlDeviceGetBrand, unsigned, "brand")
NUMBER(nvmlDeviceGetArchitecture, unsigned, "architecture")
PAIR(nvmlDeviceGetCudaComputeCapability, "compute_capability")
NUMBER(nvmlDeviceGetPersistenceMode, unsigned, "persistence_mode")
NUMBER(nvmlDeviceGetDisplayMode, unsigned, "display_mode")
NUMBER(nvmlDeviceGetDisplayActive, unsigned, "display_active")
NUMBER(nvmlDeviceGetComputeMode, unsigned, "compute_mode")
PAIR(nvmlDeviceGetDriverModel, "driver_model") /* of Windows alone */
PAIR(nvmlDeviceGetDriverModel_v2, "driver_model")

typedef struct { char legacy[16]; unsigned domain, bus, slot, id, subsystem; char bus_id[32]; } pci;

int nvmlDeviceGetPciInfo_v3(device handle, pci *out) {
    COUNTED;
    char text[TEXT];
    int code = ask(&me, handle, "pci_bus_id", text);
    if (code) return code;
    memset(out, 0, sizeof *out);
    sscanf(text, "%x:%x:%x", &out->domain, &out->bus, &out->slot);
    snprintf(out->bus_id, sizeof out->bus_id, "%.31s", text);
    snprintf(out->legacy, sizeof out->legacy, "%04X:%02X:%02X.0", out->domain & 0xffff,
             out->bus & 0xff, out->slot & 0xff);
    return SUCCESS;
}

/* ---- readings ---- */

typedef struct { unsigned long long total, free, used; } memory_v1;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2;

/* `memory = total reserved used` in bytes; the first version counts the reserved part as used. */
int nvmlDeviceGetMemoryInfo(device handle, memory_v1 *out) {
    COUNTED;
    char text[TEXT];
    unsigned long long total, reserved, used;
    int code = ask(&me, handle, "memory", text);
    if (code) return code;
    sscanf(text, "%llu %llu %llu", &total, &reserved, &used);
    *out = (memory_v1){total, total - reserved - used, reserved + used};
    return SUCCESS;
}


int nvmlDeviceGetUtilizationRates(device handle, unsigned out[2]) {
    COUNTED;
    char text[TEXT];
    int code = ask(&me, handle, "utilization", text);
    if (!code) sscanf(text, "%u %u", &out[0], &out[1]);
    return code;
}

KINDS(nvmlDeviceGetTemperature, unsigned, "temperature")
KINDS(nvmlDeviceGetTemperatureThreshold, unsigned, "threshold_shutdown", "threshold_slowdown",
      "threshold_memory_max", "threshold_gpu_max")
NUMBER(nvmlDeviceGetPowerUsage, unsigned, "power_mw")
NUMBER(nvmlDeviceGetEnforcedPowerLimit, unsigned, "power_limit_enforced_mw")
NUMBER(nvmlDeviceGetPowerManagementLimit, unsigned, "power_limit_mw")
NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, unsigned, "power_limit_default_mw")
PAIR(nvmlDeviceGetPowerManagementLimitConstraints, "power_limit_range_mw")
NUMBER(nvmlDeviceGetTotalEnergyConsumption, unsigned long long, "energy_mj")
NUMBER(nvmlDeviceGetFanSpeed, unsigned, "fan_0")
KINDS(nvmlDeviceGetFanSpeed_v2, unsigned, "fan_0", "fan_1", "fan_2", "fan_3", "fan_4", "fan_5")
KINDS(nvmlDeviceGetClockInfo, unsigned, "clock_graphics", "clock_sm", "clock_memory",
      "clock_video")
KINDS(nvmlDeviceGetMaxClockInfo, unsigned, "clock_graphics_max", "clock_sm_max",
      "clock_memory_max", "clock_video_max")
KINDS(nvmlDeviceGetPcieThroughput, unsigned, "pcie_tx_kb", "pcie_rx_kb")
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, unsigned, "pcie_generation")
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, unsigned, "pcie_generation_max")
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, unsigned, "pcie_width")
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, unsigned, "pcie_width_max")
NUMBER(nvmlDeviceGetPcieReplayCounter, unsigned, "pcie_replays")
PAIR(nvmlDeviceGetEncoderUtilization, "encoder")
PAIR(nvmlDeviceGetDecoderUtilization, "decoder")
NUMBER(nvmlDeviceGetPerformanceState, unsigned, "performance_state")
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, unsigned long long, "clock_reasons")
PAIR(nvmlDeviceGetEccMode, "ecc_mode")

int nvmlDeviceGetTotalEccErrors(device handle, unsigned type, unsigned span,
                                unsigned long long *out) {
    COUNTED;
    static const char *const keys[] = {"ecc_corrected_volatile", "ecc_corrected",
                                       "ecc_uncorrected_volatile", "ecc_uncorrected"};
    return type > 1 || span > 1 ? INVALID_ARGUMENT
                                : ask_number(&me, handle, keys[type * 2 + span], out);
}

int nvmlDeviceGetRemappedRows(device handle, unsigned *corrected, unsigned *uncorrected,
                              unsigned *pending, unsigned *failed) {
    COUNTED;
    char text[TEXT];
    int code = ask(&me, handle, "remapped_rows", text);
    if (!code) sscanf(text, "%u %u %u %u", corrected, uncorrected, pending, failed);
    return code;
}

int nvmlDeviceGetRetiredPages(device handle, unsigned cause, unsigned *length,
                              unsigned long long *out) {
    COUNTED;
    unsigned long long pages;
    int code = ask_number(&me, handle, cause ? "retired_pages_double" : "retired_pages_single",
                          &pages);
    if (code) return code;
    if (*length < pages || !out) {
        *length = (unsigned)pages;
        return INSUFFICIENT_SIZE;
    }
    for (*length = 0; *length < pages; ++*length) out[*length] = *length * 4096ull;
    return SUCCESS;
}

/* `field_82 = unsigned 44`; `field_138` is the sum over links, `field_138_3` that of link 3. */
typedef struct {
    unsigned id, scope;
    long long timestamp, latency;
    unsigned type;
    int code;
    union { double d; unsigned u; unsigned long long ull; long long ll; int i; } value;
} field;

static int field_id(counter *it, device handle, field *out) {
    char key[TEXT], text[TEXT], type[32] = "", number[TEXT] = "";
    static const struct { const char *name; unsigned type; } types[] = {
        {"double", 0}, {"unsigned", 1}, {"ulonglong", 3}, {"longlong", 4}, {"signed", 5}};
    int all = out->scope == 0xffffffff || (out->scope == 0 && out->id != 138 && out->id != 139);
    snprintf(key, sizeof key, all ? "field_%u" : "field_%u_%u", out->id, out->scope);
    out->code = ask(it, handle, key, text);
    if (out->code) return out->code;
    memset(&out->value, 0xaa, sizeof out->value); /* reading the wrong member shows */
    sscanf(text, "%31s %511s", type, number);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, type)) out->type = types[i].type;
    if (out->type == 0) out->value.d = atof(number);
    if (out->type == 1) out->value.u = (unsigned)strtoull(number, NULL, 0);
    if (out->type == 3) out->value.ull = strtoull(number, NULL, 0);
    if (out->type == 4) out->value.ll = strtoll(number, NULL, 0);
    if (out->type == 5) out->value.i = atoi(number);
    return SUCCESS;
}

int nvmlDeviceGetFieldValues(device handle, int length, field *out) {
    COUNTED;
    char text[TEXT];
    static counter quiet = {.name = "fields"};
    int code = ask(&me, handle, "fields", text);
    if (code && code != NOT_SUPPORTED) return code;
    atomic_store(&quiet.listed, 1); /* a field is no call of its own */
    for (int i = 0; i < length; i++) field_id(&quiet, handle, &out[i]);
    return SUCCESS;
}

/* ---- MIG ---- */

PAIR(nvmlDeviceGetMigMode, "mig_mode")
NUMBER(nvmlDeviceGetMaxMigDeviceCount, unsigned, "mig_max")
NUMBER(nvmlDeviceGetGpuInstanceId, unsigned, "gpu_instance")
NUMBER(nvmlDeviceGetComputeInstanceId, unsigned, "compute_instance")

int nvmlDeviceIsMigDeviceHandle(device handle, unsigned *out) {
    COUNTED;
    count(&me);
    *out = ((uintptr_t)handle & 255) != 0;
    return SUCCESS;
}

int nvmlDeviceGetMigDeviceHandleByIndex(device parent, unsigned index, device *out) {
    COUNTED;
    char text[TEXT];
    device handle = (device)((uintptr_t)parent | (index + 1));
    int code = ask(&me, handle, "uuid", text);
    if (!code) *out = handle;
    return code;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(device handle, device *out) {
    COUNTED;
    count(&me);
    *out = (device)((uintptr_t)handle & ~(uintptr_t)255);
    return SUCCESS;
}

typedef struct { unsigned processors, copy, decoders, encoders, jpeg, ofa, slices, compute_slices;
                 unsigned long long memory_mb; } attributes;

int nvmlDeviceGetAttributes_v2(device handle, attributes *out) {
    COUNTED;
    char text[TEXT];
    int code = ask(&me, handle, "attributes", text);
    if (code) return code;
    memset(out, 0, sizeof *out);
    sscanf(text, "%u %u %u %llu", &out->processors, &out->slices, &out->compute_slices,
           &out->memory_mb);
    return SUCCESS;
}

/* ---- XID events: `xids = 31 79` are those so far; what is added later is delivered ---- */

typedef struct { device handle; unsigned long long type, data; unsigned gi, ci; } event;

/* Events come by a way of their own: a GPU that hangs does not hold up the others'. */
static int xids(device handle, unsigned long long *newest, int after) {
    char text[TEXT] = "";
    int gpu, mig, seen = 0;
    pthread_rwlock_rdlock(&world.lock);
    if (!locate(handle, &gpu, &mig) && raw(gpu, NONE, "xids"))
        snprintf(text, sizeof text, "%s", raw(gpu, NONE, "xids"));
    pthread_rwlock_unlock(&world.lock);
    for (char *rest = text, *word; (word = strsep(&rest, " "));)
        if (*word && seen++ == after) *newest = strtoull(word, NULL, 0);
    return seen;
}

int nvmlEventSetCreate(void **out) {
    COUNTED;
    count(&me);
    *out = &session;
    return SUCCESS;
}

NUMBER(nvmlDeviceGetSupportedEventTypes, unsigned long long, "event_types")

int nvmlDeviceRegisterEvents(device handle, unsigned long long types, void *set) {
    COUNTED;
    unsigned long long supported, ignored;
    (void)set;
    int code = ask_number(&me, handle, "event_types", &supported);
    if (code) return code;
    if (types & ~supported) return NOT_SUPPORTED;
    int place = (int)((uintptr_t)handle >> 8 & 255);
    session.listening[place] = 1;
    session.delivered[place] = xids(handle, &ignored, -1);
    return SUCCESS;
}

int nvmlEventSetWait_v2(void *set, event *out, unsigned timeout_ms) {
    COUNTED;
    char text[TEXT];
    (void)set;
    int code = ask(&me, NULL, "event_wait", text);
    if (code && code != NOT_SUPPORTED) return code;
    for (unsigned waited = 0;; waited++) {
        for (int place = 0; place < session.length; place++) {
            unsigned long long xid;
            device handle = handle_of(place, -1);
            if (session.listening[place] &&
                xids(handle, &xid, session.delivered[place]) > session.delivered[place]) {
                session.delivered[place]++;
                *out = (event){handle, 8, xid, ~0u, ~0u};
                return SUCCESS;
            }
        }
        if (waited >= timeout_ms) return TIMEOUT;
        pause_ms(1);
    }
}

int nvmlEventSetFree(void *set) {
    COUNTED;
    (void)set;
    count(&me);
    return SUCCESS;
}

/* ---- processes: `compute = 1234:1073741824 1250:-`, `-` for memory the driver cannot tell ---- */

typedef struct { unsigned pid; unsigned long long memory; unsigned gi, ci; } process;

/* `compute.short = 2`: so many answers to come find more than there was room for. */
static int is_short(device handle, const char *key) {
    static counter quiet = {.name = "short"};
    char name[TEXT];
    unsigned long long times = 0;
    snprintf(name, sizeof name, "%.60s.short", key);
    atomic_store(&quiet.listed, 1); /* no call of its own */
    return !ask_number(&quiet, handle, name, &times) && (unsigned long long)short_answers < times &&
           short_answers++ >= 0;
}

static int processes(counter *it, device handle, const char *key, unsigned *length, process *out) {
    char text[TEXT];
    unsigned found = 0, room = out ? *length : 0;
    int code = ask(it, handle, key, text);
    if (code) return code;
    for (char *rest = text, *word; (word = strsep(&rest, " "));) {
        char *colon = strchr(word, ':');
        if (!colon) continue;
        if (found < room)
            out[found] = (process){(unsigned)strtoul(word, NULL, 10),
                                   colon[1] == '-' ? ~0ull : strtoull(colon + 1, NULL, 0), ~0u, ~0u};
        found++;
    }
    *length = found;
    return found > room || (out && is_short(handle, key)) ? INSUFFICIENT_SIZE : SUCCESS;
}

#define PROCESSES(function, key)                                                                  \
    int function(device handle, unsigned *length, process *out) {                                 \
        COUNTED;                                                                                  \
        return processes(&me, handle, key, length, out);                                          \
    }
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2, "compute")
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2, "graphics")
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v2, "mps")

/* `process_use = pid:sm:memory:encoder:decoder ...`, newer than what was seen by a microsecond, or
 * by as many as follow another colon. `!SUCCESS` finds nothing without saying so. */
typedef struct { unsigned pid; unsigned long long time; unsigned sm, memory, enc, dec; } usage;

int nvmlDeviceGetProcessUtilization(device handle, usage *out, unsigned *length,
                                    unsigned long long last_seen) {
    COUNTED;
    char text[TEXT];
    unsigned found = 0;
    int code = ask(&me, handle, "process_use", text);
    if (code) return code;
    if (!strcmp(text, "!SUCCESS")) {
        *length = 0;
        return SUCCESS;
    }
    if (!out) {
        *length = 100; /* the driver answers with its capacity */
        return INSUFFICIENT_SIZE;
    }
    if (is_short(handle, "process_use")) return INSUFFICIENT_SIZE;
    for (char *rest = text, *word; (word = strsep(&rest, " ")) && found < *length;) {
        usage one = {0};
        long newer = 1;
        if (sscanf(word, "%u:%u:%u:%u:%u:%ld", &one.pid, &one.sm, &one.memory, &one.enc, &one.dec,
                   &newer) < 5)
            continue;
        one.time = last_seen + (unsigned long long)newer;
        out[found++] = one;
    }
    *length = found;
    return found ? SUCCESS : NOT_FOUND;
}

/* ---- what changes a GPU: `setters.h` names every such function of the binding ---- */

#define CHANGES(function)                                                                         \
    int function(void) {                                                                          \
        COUNTED;                                                                                  \
        count(&me);                                                                               \
        changed++;                                                                                \
        fprintf(stderr, #function " was called: a monitor changes nothing\n");                    \
        return NO_PERMISSION;                                                                     \
    }
#include "setters.h"

#ifndef OLD_DRIVER

int nvmlDeviceGetMemoryInfo_v2(device handle, memory_v2 *out) {
    COUNTED;
    char text[TEXT];
    int code = ask(&me, handle, "memory", text);
    if (code) return code;
    if (out->version != (sizeof *out | 2u << 24)) return VERSION_MISMATCH;
    sscanf(text, "%llu %llu %llu", &out->total, &out->reserved, &out->used);
    out->free = out->total - out->reserved - out->used;
    return SUCCESS;
}

typedef struct { unsigned version, sensor; int celsius; } temperature_v1;

int nvmlDeviceGetTemperatureV(device handle, temperature_v1 *out) {
    COUNTED;
    unsigned long long value;
    int code = ask_number(&me, handle, "temperature", &value);
    if (!code) out->celsius = (int)value;
    return code;
}

NUMBER(nvmlDeviceGetNumFans, unsigned, "fans")
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, unsigned long long, "clock_reasons")
PAIR(nvmlDeviceGetJpgUtilization, "jpeg")
PAIR(nvmlDeviceGetOfaUtilization, "ofa")
NUMBER(nvmlDeviceGetNumGpuCores, unsigned, "cores")
NUMBER(nvmlDeviceGetMemoryBusWidth, unsigned, "memory_bus_width")
NUMBER(nvmlDeviceGetGpuMaxPcieLinkGeneration, unsigned, "pcie_generation_gpu_max")
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3, "compute")
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, "graphics")
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3, "mps")

/* ---- GPM: `gpm_support = 1`, and the driver's `gpm_alloc`, a device's `gpm_sample` and
 * `gpm_compare` are 1 or an error ----
 *
 * `gpm_5 = 47.25` is metric 5 between any two samples. Samples of one device, in the order in
 * which they were taken in this session, can be compared; others are counted as wrong. */

typedef struct { uintptr_t session; device handle; unsigned long long taken; } sample;
static atomic_ullong samples_taken;

typedef struct { unsigned version, supported; } gpm_support;

int nvmlGpmQueryDeviceSupport(device handle, gpm_support *out) {
    COUNTED;
    unsigned long long value;
    if (out->version != 1) return VERSION_MISMATCH;
    int code = ask_number(&me, handle, "gpm_support", &value);
    if (code && code != NOT_SUPPORTED) return code;
    out->supported = code ? 0 : (unsigned)value;
    return SUCCESS;
}

int nvmlGpmSampleAlloc(sample **out) {
    COUNTED;
    char text[TEXT];
    int code = ask(&me, NULL, "gpm_alloc", text);
    if (code) return code;
    *out = calloc(1, sizeof **out);
    samples_held++;
    return SUCCESS;
}

int nvmlGpmSampleFree(sample *it) {
    COUNTED;
    count(&me);
    used_before_init += !session.users;
    free(it);
    samples_held--;
    return SUCCESS;
}

static int take_sample(counter *me, device handle, sample *out) {
    char text[TEXT];
    int code = ask(me, handle, "gpm_sample", text);
    if (!code) *out = (sample){session.number, handle, ++samples_taken};
    return code;
}

int nvmlGpmSampleGet(device handle, sample *out) {
    COUNTED;
    return take_sample(&me, handle, out);
}

/* Of the parent and the number of a GPU instance, whose instances are sections of their own. */
int nvmlGpmMigSampleGet(device parent, unsigned instance, sample *out) {
    COUNTED;
    int gpu, mig, found = NONE;
    pthread_rwlock_rdlock(&world.lock);
    int code = locate(parent, &gpu, &mig);
    for (section *at = world.sections; !code && at < world.sections + world.length; at++) {
        const char *number = at->gpu == gpu && at->mig >= 0 && found == NONE
                                 ? raw(gpu, at->mig, "gpu_instance") : NULL;
        if (number && strtoul(number, NULL, 0) == instance) found = at->mig;
    }
    pthread_rwlock_unlock(&world.lock);
    if (code || mig != NONE || found == NONE) {
        count(&me);
        return code ? code : INVALID_ARGUMENT;
    }
    return take_sample(&me, (device)((uintptr_t)parent | (uintptr_t)(found + 1)), out);
}

typedef struct { unsigned id; int code; double value; const char *words[3]; } gpm_metric;
typedef struct { unsigned version, length; sample *before, *after; gpm_metric metrics[]; } compared;

int nvmlGpmMetricsGet(compared *it) {
    COUNTED;
    static counter quiet = {.name = "gpm"};
    char key[TEXT], text[TEXT];
    if (it->version != 1) return VERSION_MISMATCH;
    sample *one = it->before, *two = it->after;
    if (!one || !two || one->session != session.number || two->session != session.number ||
        one->handle != two->handle || one->taken >= two->taken) {
        wrong_samples++;
        return INVALID_ARGUMENT;
    }
    int code = ask(&me, two->handle, "gpm_compare", text);
    if (code) return code;
    atomic_store(&quiet.listed, 1); /* a metric is no call of its own */
    for (unsigned i = 0; i < it->length; i++) {
        snprintf(key, sizeof key, "gpm_%u", it->metrics[i].id);
        it->metrics[i].value = -1; /* not to be read where it failed */
        it->metrics[i].code = ask(&quiet, two->handle, key, text);
        if (!it->metrics[i].code) it->metrics[i].value = atof(text);
    }
    return SUCCESS;
}

#endif
