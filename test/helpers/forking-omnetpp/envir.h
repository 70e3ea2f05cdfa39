// The part of OMNeT++ that native/fork-runs.cc needs: a function of a shared library that chooses the runs of a process.

#include <vector>

namespace omnetpp::envir {

class EnvirBase {
  public:
    virtual ~EnvirBase() = default;
    virtual std::vector<int> resolveRunFilter(const char *configName, const char *runFilter);
};

}  // namespace omnetpp::envir
