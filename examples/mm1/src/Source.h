#ifndef MM1_SOURCE_H
#define MM1_SOURCE_H

#include <omnetpp.h>

namespace mm1 {

using namespace omnetpp;

/** Creates jobs in a Poisson stream. */
class Source : public cSimpleModule
{
  private:
    double arrivalRate = 0; // jobs per second
    cMessage *nextArrival = nullptr;

  public:
    virtual ~Source();

  protected:
    virtual void initialize() override;
    virtual void handleMessage(cMessage *msg) override;
};

} // namespace mm1

#endif
