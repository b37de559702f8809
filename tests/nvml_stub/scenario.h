/* The world that the stub shows: a text file, read again whenever it changes.
 *
 * Lines are `key = value`. Lines before the first section are about the driver, `gpu 0` begins a
 * GPU, `gpu *` holds what all GPUs share, `mig 0 1` is MIG instance 1 of GPU 0. `#` begins a
 * comment. A value `!NAME` is an NVML error, `!HANG` blocks until the file says otherwise, and
 * `key.delay_ms` makes a call take its time. What a device does not have is NOT_SUPPORTED. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { TEXT = 4096, ANY = -1, NONE = -2, HANG = -1 };

typedef struct { char *key, *value; } pair;
typedef struct { int gpu, mig, length; pair pairs[128]; } section;

static struct {
    pthread_rwlock_t lock;
    char path[4096];
    struct stat seen;
    struct timespec checked;
    long check_every_ms;
    char *text;
    int length;
    section sections[80];
} world = {.lock = PTHREAD_RWLOCK_INITIALIZER};

static const struct { const char *name; int code; } ERRORS[] = {
    {"HANG", HANG}, {"SUCCESS", 0}, {"UNINITIALIZED", 1}, {"INVALID_ARGUMENT", 2},
    {"NOT_SUPPORTED", 3}, {"NO_PERMISSION", 4}, {"NOT_FOUND", 6}, {"INSUFFICIENT_SIZE", 7},
    {"DRIVER_NOT_LOADED", 9}, {"TIMEOUT", 10}, {"IRQ_ISSUE", 11}, {"LIBRARY_NOT_FOUND", 12},
    {"FUNCTION_NOT_FOUND", 13}, {"GPU_IS_LOST", 15}, {"RESET_REQUIRED", 16},
    {"OPERATING_SYSTEM", 17}, {"LIB_RM_VERSION_MISMATCH", 18}, {"IN_USE", 19}, {"MEMORY", 20},
    {"NO_DATA", 21}, {"ARGUMENT_VERSION_MISMATCH", 25}, {"NOT_READY", 27}, {"GPU_NOT_FOUND", 28},
    {"UNKNOWN", 999},
};

static char *trim(char *text) {
    while (*text == ' ' || *text == '\t') text++;
    for (char *end = text + strlen(text); end > text && strchr(" \t\r", end[-1]);) *--end = 0;
    return text;
}

static void parse(char *text) {
    section *at = world.sections;
    *at = (section){.gpu = NONE, .mig = NONE};
    world.length = 1;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "#")] = 0;
        char *equals = strchr(line, '=');
        int gpu = ANY, mig = NONE;
        if (equals) {
            *equals = 0;
            if (at->length < 128) at->pairs[at->length++] = (pair){trim(line), trim(equals + 1)};
        } else if (!strcmp(trim(line), "gpu *") || sscanf(line, " gpu %d", &gpu) == 1 ||
                   sscanf(line, " mig %d %d", &gpu, &mig) == 2) {
            if (world.length == 80) abort();
            at = &world.sections[world.length++];
            *at = (section){.gpu = gpu, .mig = mig};
        }
    }
}

static const char *raw(int gpu, int mig, const char *key) {
    for (section *at = world.sections; at < world.sections + world.length; at++)
        if (at->gpu == gpu && at->mig == mig)
            for (pair *p = at->pairs; p < at->pairs + at->length; p++)
                if (!strcmp(p->key, key)) return p->value;
    /* An instance shares nothing with its parent. */
    return gpu >= 0 && mig == NONE ? raw(ANY, NONE, key) : NULL;
}

/* Call with the lock held for reading; it may be let go and taken again. */
static void reload(void) {
    struct timespec now;
    struct stat found;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long since = (now.tv_sec - world.checked.tv_sec) * 1000 +
                 (now.tv_nsec - world.checked.tv_nsec) / 1000000;
    if (world.text && since < world.check_every_ms) return;
    if (stat(world.path, &found)) return;
    if (world.text && found.st_ino == world.seen.st_ino && found.st_size == world.seen.st_size &&
        !memcmp(&found.st_mtim, &world.seen.st_mtim, sizeof found.st_mtim)) {
        world.checked = now;
        return;
    }
    pthread_rwlock_unlock(&world.lock);
    pthread_rwlock_wrlock(&world.lock);
    FILE *file = fopen(world.path, "r");
    if (file) {
        fstat(fileno(file), &world.seen);
        world.checked = now;
        free(world.text);
        world.text = calloc(1, (size_t)world.seen.st_size + 1);
        if (fread(world.text, 1, (size_t)world.seen.st_size, file) == 0) world.text[0] = 0;
        fclose(file);
        parse(world.text);
        const char *every = raw(NONE, NONE, "check_every_ms");
        world.check_every_ms = every ? atol(every) : 0;
    }
    pthread_rwlock_unlock(&world.lock);
    pthread_rwlock_rdlock(&world.lock);
}

static int error_code(const char *value) {
    if (!value || value[0] != '!') return 0;
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (!strcmp(ERRORS[i].name, value + 1)) return ERRORS[i].code;
    return atoi(value + 1);
}

static void pause_ms(long ms) {
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}
