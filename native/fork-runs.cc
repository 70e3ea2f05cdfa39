// Loaded into a simulation process (LD_PRELOAD) that was started for one run. When Cmdenv has loaded all libraries, ini
// and NED files, and is about to choose its run, the process copies itself for each of several runs, one after the other.
// Each copy continues as if it had been started for its run alone. If that is not certain, nothing is executed.
//
// In the environment:
//   INET_SWARM_FORKED_RUNS   numbers of the runs, separated by commas
//   INET_SWARM_FORK_REPORT   file that receives, for each run that succeeded, its number, start and end (ms since 1970),
//                            CPU time (ms), and peak memory (kB), separated by blanks; and a line if a run has done what
//                            a later one could notice. What a run prints goes to the file of this name with the suffix
//                            `.NUMBER`.
// Both, and this library in LD_PRELOAD, are removed from the environment of the runs. The exit code is 0 if all runs
// succeeded, and else that of the first which did not; the remaining ones are then not executed.
//
// Compiled and used by worker/execute/forking.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "watched-calls.h"

// omnetpp::envir::EnvirBase::resolveRunFilter(const char *configName, const char *runFilter), OMNeT++ 5.4 to 6.x. A
// member function is called like a function whose first parameter is the object (Itanium C++ ABI, 3.1.1).
#define RESOLVE_RUN_FILTER "_ZN7omnetpp5envir9EnvirBase16resolveRunFilterEPKcS3_"

typedef std::vector<int> ResolveRunFilter(void *envir, const char *config, const char *filter);

static const char *const RUNS = "INET_SWARM_FORKED_RUNS";
static const char *const REPORT = "INET_SWARM_FORK_REPORT";
static const char *const PRELOAD = "LD_PRELOAD";
/** EX_SOFTWARE of sysexits(3). */
static const int FAILED = 70;

/** Path of the report; null if there is nothing to do. */
static char *report;
static char **arguments;
/** The open files with which the process was started: separate processes would share them, too. */
static const int MOST_INHERITED = 1024;
static bool inherited[MOST_INHERITED];

[[noreturn]] static void fail(const char *what) {
    fprintf(stderr, "cannot execute several runs in copies of one process: %s\n", what);
    fflush(nullptr);
    _exit(FAILED);
}

static char *remove_variable(const char *name) {
    const char *value = getenv(name);
    char *copy = value == nullptr ? nullptr : strdup(value);
    unsetenv(name);
    return copy;
}

/** Removes this library, which is the first, from the list of those to be loaded. */
static void remove_from_preload() {
    char *libraries = remove_variable(PRELOAD);
    const char *others = libraries == nullptr ? nullptr : strchr(libraries, ':');
    if (others != nullptr) setenv(PRELOAD, others + 1, 1);
    free(libraries);
}

/** Calls a function with the number of each thread or file of this process, by its folder in /proc. */
template <typename Visit>
static void for_each_in(const char *folder, Visit visit) {
    DIR *entries = opendir(folder);
    if (entries == nullptr) return;
    while (const dirent *entry = readdir(entries)) {
        const int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && number != dirfd(entries)) visit(number);
    }
    closedir(entries);
}

/** Called before all other initialisation (`-z initfirst`), when there is no environment yet. */
__attribute__((constructor)) static void look_around(int, char **argv) {
    arguments = argv;
    for_each_in("/proc/self/fd", [](int file) {
        if (file < MOST_INHERITED) inherited[file] = true;
    });
}

static bool shares_memory() {
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == nullptr) fail("/proc is not readable");
    char line[8192], permissions[8];
    bool shares = false;
    while (fgets(line, sizeof line, maps) != nullptr)
        if (sscanf(line, "%*s %7s", permissions) == 1) shares |= permissions[1] == 'w' && permissions[3] == 's';
    fclose(maps);
    return shares;
}

/** Ends the process if a copy would share something with others, or would lack something. */
static void check_that_copies_are_alike() {
    if (called_before_copy != nullptr) {
        char what[256];
        snprintf(what, sizeof what, "the model has called %s before its run", called_before_copy);
        fail(what);
    }
    int threads = 0; // none if /proc is not readable
    for_each_in("/proc/self/task", [&](int) { threads++; });
    if (threads != 1) fail("it has several threads, or /proc is not readable");
    for_each_in("/proc/self/fd", [](int file) {
        if (file >= MOST_INHERITED || !inherited[file]) fail("it has opened a file");
    });
    if (shares_memory()) fail("it has shared memory");
}

static long long milliseconds(const timeval &time) { return time.tv_sec * 1000LL + time.tv_usec / 1000; }

static long long now() {
    timeval time;
    gettimeofday(&time, nullptr);
    return milliseconds(time);
}

static void add_to_report(const char *line) {
    const int file = open(report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0 || write(file, line, strlen(line)) < 0 || close(file) != 0)
        fail("its report cannot be written");
}

static void note_trace() { add_to_report("a later run could notice this one\n"); }

/** Waits for a run; ends the process if it failed, or has left a process that would run beside the next. */
static void finish(const char *run, pid_t copy) {
    const long long begin = now();
    int status;
    rusage usage;
    while (wait4(copy, &status, 0, &usage) < 0)
        if (errno != EINTR) fail(strerror(errno));
    if (WIFSIGNALED(status)) _exit(128 + WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) _exit(WEXITSTATUS(status));
    pid_t other;
    while ((other = waitpid(-1, nullptr, WNOHANG)) > 0) continue;
    if (other == 0) fail("a run has left a process");
    const long long cpu = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
    char line[128];
    snprintf(line, sizeof line, "%s %lld %lld %lld %ld\n", run, begin, now(), cpu, usage.ru_maxrss);
    add_to_report(line);
}

/** Makes this process, a copy, one that was started for a run. */
static void become(char *run, pid_t parent) {
    is_copied = true;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(FAILED);
    char file[4096];
    snprintf(file, sizeof file, "%s.%s", report, run);
    const int output = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (output < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) _exit(FAILED);
    close(output);
    for (char **each = arguments; each[0] != nullptr && each[1] != nullptr; each++)
        if (strcmp(each[0], "-r") == 0) each[1] = run;
}

/** Executes runs. Returns only in their copies: the number of the run. @param numbers separated by commas; is changed. */
static const char *execute_runs(char *numbers) {
    check_that_copies_are_alike();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t parent = getpid();
    while (char *run = strsep(&numbers, ",")) {
        fflush(nullptr); // what is buffered would be printed by each copy
        const pid_t copy = fork();
        if (copy < 0) fail(strerror(errno));
        if (copy == 0) {
            become(run, parent);
            return run;
        }
        finish(run, copy);
    }
    _exit(0);
}

std::vector<int> resolve_run_filter(void *envir, const char *config, const char *filter) asm(RESOLVE_RUN_FILTER);

std::vector<int> resolve_run_filter(void *envir, const char *config, const char *filter) {
    static ResolveRunFilter *original = next<ResolveRunFilter>(RESOLVE_RUN_FILTER);
    char *numbers = is_copied ? nullptr : remove_variable(RUNS);
    if (numbers == nullptr) return original(envir, config, filter);
    report = remove_variable(REPORT);
    remove_from_preload();
    return original(envir, config, execute_runs(numbers));
}
