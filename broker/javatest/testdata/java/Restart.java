import java.util.concurrent.Semaphore;

/** Lets scenarios wait for one restart of the broker, which comes when the others are done or wait too. */
final class Restart {
    private final Runnable broker;
    private final Semaphore places;
    private int running;
    private int waiting;
    private boolean done;

    /**
     * @param scenarios how many there are
     * @param places how many run side by side
     * @param broker starts the broker once more, and returns when it is there
     */
    Restart(int scenarios, int places, Runnable broker) {
        this.running = scenarios;
        this.places = new Semaphore(places, true);
        this.broker = broker;
    }

    /** Waits until the broker was started once more. Others run meanwhile. */
    void await() throws InterruptedException {
        places.release();
        awaitBroker();
        places.acquire();
    }

    private synchronized void awaitBroker() throws InterruptedException {
        waiting++;
        proceed();
        while (!done) {
            wait();
        }
    }

    /** Waits until a scenario may begin. */
    void begin() throws InterruptedException {
        places.acquire();
    }

    /** Tells that a scenario is over. */
    void end() {
        places.release();
        synchronized (this) {
            running--;
            proceed();
        }
    }

    private void proceed() {
        if (!done && waiting == running) {
            broker.run();
            done = true;
            notifyAll();
        }
    }
}
