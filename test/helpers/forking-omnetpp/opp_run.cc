// A simulator that prints what Cmdenv prints and writes a scalar file for each run, and whose state carries over from run
// to run. For everything else (-q, -v, ...) it replaces itself by the program in FORKING_OTHERWISE.
//
// Configs: Broken, whose run 4 fails; Killed, whose run 4 kills itself; Large, whose run 4 needs 64 MB of memory; Background,
// whose run 4 leaves a process; Removal, whose run 4 removes a file; Listing, whose run 4 lists files; Program, whose run 4 starts
// one; Noisy, whose run 4 prints to both streams; Flood, whose run 4 prints for ever; and those of model.cc. All others succeed.

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "envir.h"

void prepare_model(const std::string &config);

static int executed = 0;
static char **program_arguments;

static void write_file(const std::string &name, const std::string &text) {
    FILE *file = fopen(name.c_str(), "w");
    fputs(text.c_str(), file);
    fclose(file);
}

static bool execute(const std::string &config, int run) {
    const std::string number = std::to_string(run);
    const std::string id = config + "-" + number + "-20261128-07:00:00-" + std::to_string(getpid());
    executed++;
    printf("\nPreparing for running configuration %s, run #%d...\n", config.c_str(), run);
    printf("Assigned runID=%s\nSetting up network \"Net\"...\nInitializing...\n\nRunning simulation...\n", id.c_str());
    printf("** Event #10   t=1   Elapsed: 0.001s (0m 00s)  100%% completed  (100%% total)\n");
    if (run == 4 && config == "Broken") {
        fprintf(stderr, "\n<!> Error: Out of luck -- in module (Net) Net (id=1), at t=1s, event #10\n");
        return false;
    }
    if (run == 4 && config == "Killed") raise(SIGKILL);
    if (run == 4 && config == "Large") memset(malloc(64 << 20), 1, 64 << 20);
    if (run == 4 && config == "Background" && fork() == 0) pause();
    if (run == 4 && config == "Listing") closedir(opendir("."));
    if (run == 4 && config == "Program" && system("true") != 0) return false;
    if (run == 4 && config == "Flood")
        for (;;) puts("more and more and more");
    if (run == 4 && config == "Removal") {
        write_file("temporary", "");
        unlink("temporary");
    }
    if (run == 4 && config == "Noisy") {
        fflush(stdout);
        fprintf(stderr, "Run statistics: total M\374ll\n");
        printf("no newline at the end");
    }
    mkdir("results", 0777);
    const std::string name = "results/" + config + "-" + number;
    const char *preload = getenv("LD_PRELOAD");
    std::string arguments_of_process;
    for (char **each = program_arguments + 1; *each != nullptr; each++) arguments_of_process += *each + std::string(" ");
    const std::string state = "scalar Net executed " + std::to_string(executed) + "\n" + //
                              "attr preload \"" + (preload == nullptr ? "" : preload) + "\"\n" +
                              "attr arguments \"" + arguments_of_process + "\"\n" +
                              "attr processid " + std::to_string(getpid()) + "\n";
    write_file(name + ".sca", "version 3\nrun " + id + "\n" + state);
    printf("\n<!> Simulation time limit reached -- at t=1s, event #10\n\nCalling finish() at end of Run #%d...\n", run);
    return true;
}

int main(int count, char **arguments) {
    program_arguments = arguments;
    std::string config = "General", filter;
    for (int at = 1; at + 1 < count; at++) {
        if (strcmp(arguments[at], "-c") == 0) config = arguments[at + 1];
        if (strcmp(arguments[at], "-r") == 0) filter = arguments[at + 1];
        if (strcmp(arguments[at], "-q") == 0) filter = "";
    }
    if (filter.empty()) {
        const char *otherwise = getenv("FORKING_OTHERWISE");
        if (otherwise != nullptr) execv(otherwise, arguments);
        return 1;
    }
    printf("OMNeT++ Discrete Event Simulation\nVersion: 6.2.0, build: test\n\nSetting up Cmdenv...\n");
    prepare_model(config);
    omnetpp::envir::EnvirBase envir;
    bool succeeded = true;
    for (int run : envir.resolveRunFilter(config.c_str(), filter.c_str()))
        if (succeeded) succeeded = execute(config, run);
    printf("\nEnd.\n");
    return succeeded ? 0 : 1;
}
