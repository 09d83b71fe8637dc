import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Runs scenarios side by side on one broker, and reports what came of them. Once it prints RESTART it waits for a line on its
 * standard input, which tells that the broker was started again.
 */
public final class Main {
    /** One scenario. What it throws is an outcome too. */
    interface Scenario {
        void run(Client client, Report report) throws Exception;
    }

    private static final PrintStream ERR = System.err; // tools take System.err

    private Main() {}

    /** @param args the broker's address, and which scenarios: "all", or "old" for those that an old client knows */
    public static void main(String[] args) throws InterruptedException {
        Client client = new Client(args[0]);
        Map<String, Scenario> scenarios = args[1].equals("old") ? Old.scenarios() : all();
        if (args.length > 2) {
            scenarios.keySet().removeIf(name -> !name.matches(args[2]));
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        Restart restart = new Restart(scenarios.size(), 8, () -> restarted(in));
        Map<String, Thread> threads = new LinkedHashMap<>();
        scenarios.forEach((name, scenario) -> threads.put(name, new Thread(() -> {
            Report report = new Report(name, restart);
            long start = 0;
            try {
                restart.begin();
                start = System.nanoTime();
                scenario.run(client, report);
                report.say("end", "reached");
            } catch (Throwable e) {
                e.printStackTrace(ERR);
                report.say("end", e);
            } finally {
                ERR.println(name + " took " + (System.nanoTime() - start) / 1_000_000 + " ms");
                restart.end();
            }
        }, name)));
        threads.values().forEach(Thread::start);
        for (Thread thread : threads.values()) {
            thread.join();
        }
        System.exit(0); // whatever a client left running
    }

    private static Map<String, Scenario> all() {
        Map<String, Scenario> all = new LinkedHashMap<>();
        Topics.add(all);
        Configs.add(all);
        Clusters.add(all);
        Access.add(all);
        Groups.add(all);
        Producers.add(all);
        Consumers.add(all);
        Members.add(all);
        Shares.add(all);
        Pipeline.add(all);
        Spring.add(all);
        Tools.add(all);
        return all;
    }

    private static void restarted(BufferedReader in) {
        synchronized (System.out) {
            System.out.println("RESTART");
            System.out.flush();
        }
        try {
            in.readLine();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
