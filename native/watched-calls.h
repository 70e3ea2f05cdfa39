// Finds out whether a process has done anything, before it is copied, that would make its copies differ from processes
// that were started separately, by replacing the functions with which this is done.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <ctime>

/** The first such function that was called; null if none was. */
static const char *called_before_copy = nullptr;
static bool is_copied = false;

/** Called when a copy has removed or renamed a file, so that the next one does not find it. */
static void note_removal();

/** Only the program and the model's libraries count: OMNeT++ does what it does anew for each run. */
static bool is_of_model(const void *caller) {
    Dl_info library;
    if (dladdr(caller, &library) == 0 || library.dli_fname == nullptr) return true;
    const char *slash = strrchr(library.dli_fname, '/');
    const char *name = slash == nullptr ? library.dli_fname : slash + 1;
    for (const char *prefix : {"libopp", "opp_run", "libstdc++", "libc++"})
        if (strncmp(name, prefix, strlen(prefix)) == 0) return false;
    return true;
}

static void note(const char *name) {
    if (!is_copied && called_before_copy == nullptr) called_before_copy = name;
}

/** The next function of this name, which this one replaces. */
template <typename Function>
static Function *next(const char *name) {
    return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

// Each function is defined under a name of its own, because headers declare it with other attributes.
#define REPLACEMENT(result, own, symbol, parameters, arguments, counts, removes)     \
    extern "C" result own parameters asm(symbol);                                     \
    extern "C" result own parameters {                                                \
        static result(*original) parameters = next<result parameters>(symbol);        \
        if (counts) note(symbol);                                                     \
        result answer = original arguments;                                           \
        if (removes) note_removal();                                                  \
        return answer;                                                                \
    }

// What differs from process to process, and from moment to moment
#define UNLIKE(result, name, parameters, arguments) \
    REPLACEMENT(result, watched_##name, #name, parameters, arguments, is_of_model(__builtin_return_address(0)), false)
#define UNLIKE_IN_CXX(result, name, symbol, parameters, arguments) \
    REPLACEMENT(result, name, symbol, parameters, arguments, is_of_model(__builtin_return_address(0)), false)

UNLIKE(pid_t, getpid, (), ())
UNLIKE(pid_t, getppid, (), ())
UNLIKE(time_t, time, (time_t *to), (to))
UNLIKE(int, gettimeofday, (void *to, void *zone), (to, zone))
UNLIKE(ssize_t, getrandom, (void *to, size_t size, unsigned flags), (to, size, flags))
UNLIKE(int, getentropy, (void *to, size_t size), (to, size))
UNLIKE(unsigned, arc4random, (), ())
UNLIKE_IN_CXX(long long, system_clock_now, "_ZNSt6chrono3_V212system_clock3nowEv", (), ())
UNLIKE_IN_CXX(unsigned, random_device_value, "_ZNSt13random_device9_M_getvalEv", (void *device), (device))
UNLIKE_IN_CXX(unsigned, random_device_call, "_ZNSt3__113random_deviceclEv", (void *device), (device))
REPLACEMENT(int, watched_clock_gettime, "clock_gettime", (int clock, void *to), (clock, to),
            clock == CLOCK_REALTIME &&is_of_model(__builtin_return_address(0)), false)

// What changes files, or starts something that is not copied
#define CHANGE(result, name, parameters, arguments) \
    REPLACEMENT(result, watched_##name, #name, parameters, arguments, true, false)

CHANGE(int, mkdir, (const char *path, mode_t mode), (path, mode))
CHANGE(int, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode))
CHANGE(char *, mkdtemp, (char *path), (path))
CHANGE(int, mkstemp, (char *path), (path))
CHANGE(int, mkstemp64, (char *path), (path))
CHANGE(int, mkstemps, (char *path, int suffix), (path, suffix))
CHANGE(int, mkostemp, (char *path, int flags), (path, flags))
CHANGE(FILE *, tmpfile, (), ())
CHANGE(FILE *, tmpfile64, (), ())
CHANGE(int, shm_open, (const char *name, int flags, mode_t mode), (name, flags, mode))
CHANGE(int, link, (const char *from, const char *to), (from, to))
CHANGE(int, symlink, (const char *target, const char *path), (target, path))
CHANGE(int, truncate, (const char *path, off_t size), (path, size))
CHANGE(int, system, (const char *command), (command))
CHANGE(FILE *, popen, (const char *command, const char *mode), (command, mode))
CHANGE(pid_t, fork, (), ())
CHANGE(int, posix_spawn,
       (pid_t * pid, const char *path, const void *actions, const void *attributes, char *const *args, char *const *env),
       (pid, path, actions, attributes, args, env))
CHANGE(int, posix_spawnp,
       (pid_t * pid, const char *file, const void *actions, const void *attributes, char *const *args, char *const *env),
       (pid, file, actions, attributes, args, env))
CHANGE(unsigned, alarm, (unsigned seconds), (seconds))
CHANGE(int, setitimer, (int which, const void *value, void *old), (which, value, old))
CHANGE(int, timer_create, (int clock, void *event, void *timer), (clock, event, timer))

// What removes files
#define REMOVAL(name, parameters, arguments) \
    REPLACEMENT(int, watched_##name, #name, parameters, arguments, true, answer == 0)

REMOVAL(unlink, (const char *path), (path))
REMOVAL(unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
REMOVAL(rmdir, (const char *path), (path))
REMOVAL(remove, (const char *path), (path))
REMOVAL(rename, (const char *from, const char *to), (from, to))
REMOVAL(renameat, (int from_folder, const char *from, int to_folder, const char *to), (from_folder, from, to_folder, to))

// What opens files, if it is for writing
#define OPENED_FOR_WRITING(mode) (strpbrk(mode, "wa+") != nullptr)
REPLACEMENT(FILE *, watched_fopen, "fopen", (const char *path, const char *mode), (path, mode), OPENED_FOR_WRITING(mode), false)
REPLACEMENT(FILE *, watched_fopen64, "fopen64", (const char *path, const char *mode), (path, mode), OPENED_FOR_WRITING(mode), false)

#define OPENING(name)                                                                      \
    extern "C" int watched_##name(const char *path, int flags, ...) asm(#name);             \
    extern "C" int watched_##name(const char *path, int flags, ...) {                       \
        static int (*original)(const char *, int, ...) = next<int(const char *, int, ...)>(#name); \
        if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0) note(#name);         \
        va_list more;                                                                       \
        va_start(more, flags);                                                              \
        const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                                       \
        return original(path, flags, mode);                                                 \
    }

OPENING(open)
OPENING(open64)
