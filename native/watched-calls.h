// Finds out whether a process has done anything, before it is copied, by which its copies would differ from processes that
// were started separately; and whether a copy does anything of which a later one could notice. For this, it replaces the
// functions with which programs do such things.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <initializer_list>

/** The first such function that was called before the copy; null if none was. */
static const char *called_before_copy = nullptr;
static bool is_copied = false;
/** Called when a copy does something that a later one could notice. */
static void note_trace();

static bool is_one_of(const char *name, size_t length, std::initializer_list<const char *> all) {
    for (const char *each : all)
        if (strlen(each) == length && strncmp(name, each, length) == 0) return true;
    return false;
}

/** Whether a caller is not OMNeT++ itself or the C++ library, which do anew for each run what they do. */
static bool is_of_model(const void *caller) {
    Dl_info library;
    if (dladdr(caller, &library) == 0 || library.dli_fname == nullptr) return true;
    const char *slash = strrchr(library.dli_fname, '/');
    const char *name = slash == nullptr ? library.dli_fname : slash + 1;
    if (strncmp(name, "libstdc++.so", 12) == 0 || strncmp(name, "libc++.so", 9) == 0) return false;
    if (is_one_of(name, strlen(name), {"opp_run", "opp_run_release", "opp_run_dbg"})) return false;
    if (strncmp(name, "libopp", 6) != 0) return true;
    name += 6;
    return !is_one_of(name, strcspn(name, "_."),
                      {"sim", "envir", "cmdenv", "qtenv", "common", "nedxml", "layout", "eventlog", "scave", "main"});
}

/** Whether a file is not the same for each process that reads it: a source of random numbers, for example. */
static bool is_unlike(const char *path) {
    return (strncmp(path, "/dev/", 5) == 0 && strcmp(path, "/dev/null") != 0) || strncmp(path, "/proc/", 6) == 0;
}

/** The next function of this name, which this one replaces. */
template <typename Function>
static Function *next(const char *name) {
    return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

// The conditions are expressions of the parameters, and of the function's `answer`. Each function is defined under a name of
// its own, because headers declare it with other attributes.
#define REPLACEMENT(result, own, symbol, parameters, arguments, matters_before, matters_after)             \
    extern "C" result own parameters asm(symbol);                                                           \
    extern "C" result own parameters {                                                                      \
        static result(*original) parameters = next<result parameters>(symbol);                              \
        if (!is_copied && called_before_copy == nullptr && (matters_before)) called_before_copy = symbol;   \
        result answer = original arguments;                                                                 \
        if (is_copied && (matters_after)) note_trace();                                                     \
        return answer;                                                                                      \
    }

// What differs from process to process, and from moment to moment.
#define UNLIKE_SYMBOL(result, name, symbol, parameters, arguments) \
    REPLACEMENT(result, name, symbol, parameters, arguments, is_of_model(__builtin_return_address(0)), false)
#define UNLIKE(result, name, parameters, arguments) \
    UNLIKE_SYMBOL(result, watched_##name, #name, parameters, arguments)

UNLIKE(pid_t, getpid, (), ())
UNLIKE(pid_t, getppid, (), ())
UNLIKE(pid_t, gettid, (), ())
UNLIKE(time_t, time, (time_t *to), (to))
UNLIKE(int, gettimeofday, (void *to, void *zone), (to, zone))
UNLIKE(int, clock_gettime, (int clock, void *to), (clock, to))
UNLIKE(int, timespec_get, (void *to, int base), (to, base))
UNLIKE(clock_t, clock, (), ())
UNLIKE(clock_t, times, (void *to), (to))
UNLIKE(ssize_t, getrandom, (void *to, size_t size, unsigned flags), (to, size, flags))
UNLIKE(int, getentropy, (void *to, size_t size), (to, size))
UNLIKE(unsigned, arc4random, (), ())
UNLIKE(unsigned, arc4random_uniform, (unsigned limit), (limit))
UNLIKE(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
UNLIKE_SYMBOL(long long, system_clock_now, "_ZNSt6chrono3_V212system_clock3nowEv", (), ())
UNLIKE_SYMBOL(long long, steady_clock_now, "_ZNSt6chrono3_V212steady_clock3nowEv", (), ())
UNLIKE_SYMBOL(unsigned, random_device_value, "_ZNSt13random_device9_M_getvalEv", (void *device), (device))
UNLIKE_SYMBOL(unsigned, random_device_call, "_ZNSt3__113random_deviceclEv", (void *device), (device))

extern "C" void watched_arc4random_buf(void *to, size_t size) asm("arc4random_buf");
extern "C" void watched_arc4random_buf(void *to, size_t size) {
    static void (*original)(void *, size_t) = next<void(void *, size_t)>("arc4random_buf");
    if (called_before_copy == nullptr) called_before_copy = "arc4random_buf";
    original(to, size);
}

// What creates files.
#define CREATION(result, name, parameters, arguments) \
    REPLACEMENT(result, watched_##name, #name, parameters, arguments, true, false)

CREATION(int, mkdir, (const char *path, mode_t mode), (path, mode))
CREATION(int, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode))
CREATION(int, mkfifo, (const char *path, mode_t mode), (path, mode))
CREATION(char *, mkdtemp, (char *path), (path))
CREATION(int, mkstemp, (char *path), (path))
CREATION(int, mkstemp64, (char *path), (path))
CREATION(int, mkstemps, (char *path, int suffix), (path, suffix))
CREATION(int, mkostemp, (char *path, int flags), (path, flags))
CREATION(int, creat, (const char *path, mode_t mode), (path, mode))
CREATION(int, creat64, (const char *path, mode_t mode), (path, mode))
CREATION(FILE *, tmpfile, (), ())
CREATION(FILE *, tmpfile64, (), ())
CREATION(FILE *, freopen, (const char *path, const char *mode, FILE *file), (path, mode, file))
CREATION(FILE *, freopen64, (const char *path, const char *mode, FILE *file), (path, mode, file))
CREATION(int, shm_open, (const char *name, int flags, mode_t mode), (name, flags, mode))
CREATION(int, link, (const char *from, const char *to), (from, to))
CREATION(int, symlink, (const char *target, const char *path), (target, path))
CREATION(int, truncate, (const char *path, off_t size), (path, size))
CREATION(unsigned, alarm, (unsigned seconds), (seconds))
CREATION(int, setitimer, (int which, const void *timer, void *old), (which, timer, old))
CREATION(int, timer_create, (int clock, void *event, void *timer), (clock, event, timer))

// What removes files, and starts programs, which may remove some, too.
#define REMOVAL(result, name, parameters, arguments) \
    REPLACEMENT(result, watched_##name, #name, parameters, arguments, true, answer == 0)
#define START(result, name, parameters, arguments) \
    REPLACEMENT(result, watched_##name, #name, parameters, arguments, true, true)
/** Replaces the process, so what is noted must be noted before. */
#define EXEC(name, parameters, arguments)                                                             \
    extern "C" int watched_##name parameters asm(#name);                                               \
    extern "C" int watched_##name parameters {                                                         \
        static int(*original) parameters = next<int parameters>(#name);                                \
        if (is_copied) note_trace();                                                                   \
        else if (called_before_copy == nullptr) called_before_copy = #name;                            \
        return original arguments;                                                                     \
    }

REMOVAL(int, unlink, (const char *path), (path))
REMOVAL(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
REMOVAL(int, rmdir, (const char *path), (path))
REMOVAL(int, remove, (const char *path), (path))
REMOVAL(int, rename, (const char *from, const char *to), (from, to))
REMOVAL(int, renameat, (int from_folder, const char *from, int to_folder, const char *to),
        (from_folder, from, to_folder, to))
REMOVAL(int, renameat2, (int from_folder, const char *from, int to_folder, const char *to, unsigned flags),
        (from_folder, from, to_folder, to, flags))
START(int, system, (const char *command), (command))
START(FILE *, popen, (const char *command, const char *mode), (command, mode))
START(pid_t, fork, (), ())
START(int, posix_spawn,
      (pid_t *pid, const char *path, const void *actions, const void *attributes, char *const *args, char *const *env),
      (pid, path, actions, attributes, args, env))
START(int, posix_spawnp,
      (pid_t *pid, const char *file, const void *actions, const void *attributes, char *const *args, char *const *env),
      (pid, file, actions, attributes, args, env))
EXEC(execve, (const char *path, char *const *args, char *const *env), (path, args, env))
EXEC(execv, (const char *path, char *const *args), (path, args))
EXEC(execvp, (const char *file, char *const *args), (file, args))
EXEC(execvpe, (const char *file, char *const *args, char *const *env), (file, args, env))

// What lists the files of a folder: those of earlier runs are among them.
REPLACEMENT(DIR *, watched_opendir, "opendir", (const char *path), (path), false, answer != nullptr)
REPLACEMENT(int, watched_glob, "glob", (const char *pattern, int flags, void *on_error, void *to),
            (pattern, flags, on_error, to), false, answer == 0)
REPLACEMENT(int, watched_glob64, "glob64", (const char *pattern, int flags, void *on_error, void *to),
            (pattern, flags, on_error, to), false, answer == 0)
REPLACEMENT(int, watched_scandir, "scandir", (const char *path, void *to, void *filter, void *order),
            (path, to, filter, order), false, answer >= 0)

// What opens files.
#define OPENED_STREAM(name)                                                                                     \
    REPLACEMENT(FILE *, watched_##name, #name, (const char *path, const char *mode), (path, mode),               \
                strpbrk(mode, "wa+") != nullptr || is_unlike(path), false)
OPENED_STREAM(fopen)
OPENED_STREAM(fopen64)

static bool has_mode(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

static void note_opening(const char *name, const char *path, int flags) {
    const bool matters = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0 || is_unlike(path);
    if (!is_copied && called_before_copy == nullptr && matters) called_before_copy = name;
}

#define OPENED(name)                                                                                \
    extern "C" int watched_##name(const char *path, int flags, ...) asm(#name);                      \
    extern "C" int watched_##name(const char *path, int flags, ...) {                                \
        static int (*original)(const char *, int, ...) = next<int(const char *, int, ...)>(#name);   \
        note_opening(#name, path, flags);                                                            \
        va_list more;                                                                                \
        va_start(more, flags);                                                                       \
        const mode_t mode = has_mode(flags) ? va_arg(more, mode_t) : 0;                              \
        va_end(more);                                                                                \
        return original(path, flags, mode);                                                          \
    }
#define OPENED_AT(name)                                                                                       \
    extern "C" int watched_##name(int folder, const char *path, int flags, ...) asm(#name);                    \
    extern "C" int watched_##name(int folder, const char *path, int flags, ...) {                              \
        static int (*original)(int, const char *, int, ...) = next<int(int, const char *, int, ...)>(#name);   \
        note_opening(#name, path, flags);                                                                      \
        va_list more;                                                                                          \
        va_start(more, flags);                                                                                 \
        const mode_t mode = has_mode(flags) ? va_arg(more, mode_t) : 0;                                        \
        va_end(more);                                                                                          \
        return original(folder, path, flags, mode);                                                            \
    }

OPENED(open)
OPENED(open64)
OPENED_AT(openat)
OPENED_AT(openat64)
