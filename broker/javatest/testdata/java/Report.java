import java.io.PrintStream;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.common.KafkaException;

/** Writes what came of the steps of one scenario: a line each, of scenario, step and outcome. */
final class Report {
    private static final PrintStream OUT = System.out; // the tools' output is taken from System.out

    private final String scenario;
    private final Restart restart;

    Report(String scenario, Restart restart) {
        this.scenario = scenario;
        this.restart = restart;
    }

    /** Waits until the broker was started once more. */
    void restart() throws InterruptedException {
        restart.await();
    }

    /** Says an outcome: the same one from any broker. */
    void say(String step, Object outcome) {
        String shown = show(outcome).replaceAll("leaderEpoch=\\d+", "leaderEpoch=N"); // it counts restarts on Apache Kafka
        String line = String.join("\t", scenario, step, shown.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t"));
        synchronized (OUT) {
            OUT.println(line);
            OUT.flush();
        }
    }

    /** Says what a step returns, or the error that it throws. */
    void tries(String step, Callable<?> action) {
        try {
            say(step, action.call());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            say(step, "interrupted");
        } catch (Throwable e) {
            say(step, failure(e));
        }
    }

    /** Names an error as a program that catches it does, by its class. */
    static String failure(Throwable e) {
        while ((e instanceof ExecutionException || e instanceof CompletionException || e.getClass() == KafkaException.class
                || e.getClass() == RuntimeException.class) && e.getCause() != null) {
            e = e.getCause();
        }
        boolean ours = !(e instanceof KafkaException); // a fault of a client that an answer broke
        return "error " + e.getClass().getSimpleName() + (ours ? " " + e.getMessage() + " at " + e.getStackTrace()[0] : "");
    }

    /** Shows maps and sets in order. */
    static String show(Object value) {
        if (value instanceof Map<?, ?> map) {
            TreeMap<String, String> sorted = new TreeMap<>();
            map.forEach((k, v) -> sorted.put(show(k), show(v)));
            return sorted.toString();
        }
        if (value instanceof java.util.Set<?> set) {
            return set.stream().map(Report::show).collect(Collectors.toCollection(TreeSet::new)).toString();
        }
        if (value instanceof Collection<?> list) {
            return list.stream().map(Report::show).collect(Collectors.toList()).toString();
        }
        if (value instanceof java.util.Optional<?> optional) {
            return optional.isPresent() ? show(optional.get()) : "none";
        }
        if (value instanceof Throwable e) {
            return failure(e);
        }
        return String.valueOf(value);
    }
}
