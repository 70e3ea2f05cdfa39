#ifndef MM1_SINK_H
#define MM1_SINK_H

#include <omnetpp.h>

namespace mm1 {

using namespace omnetpp;

/** The end of every job. */
class Sink : public cSimpleModule
{
  private:
    simsignal_t lifeTimeSignal;

  protected:
    virtual void initialize() override;
    virtual void handleMessage(cMessage *msg) override;
};

} // namespace mm1

#endif
