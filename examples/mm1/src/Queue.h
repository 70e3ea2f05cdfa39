#ifndef MM1_QUEUE_H
#define MM1_QUEUE_H

#include <omnetpp.h>

namespace mm1 {

using namespace omnetpp;

/** One server with a first-come, first-served queue before it. */
class Queue : public cSimpleModule
{
  private:
    double serviceRate = 0; // jobs per second
    cQueue waiting;
    cMessage *inService = nullptr;
    cMessage *endOfService = nullptr;

    simsignal_t queueLengthSignal;
    simsignal_t busySignal;
    simsignal_t waitingTimeSignal;

  public:
    virtual ~Queue();

  protected:
    virtual void initialize() override;
    virtual void handleMessage(cMessage *msg) override;

  private:
    void startService(cMessage *job);
};

} // namespace mm1

#endif
