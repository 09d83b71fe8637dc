import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.utils.Exit;

/**
 * Apache Kafka's command-line tools, as a person runs them one after the other. They run in this process: their standard streams
 * are taken, and their exits become errors.
 */
final class Tools {
    private static final String TOOLS = "org.apache.kafka.tools.";

    private final Client client;
    private final Report report;
    private final Map<String, String> unlike; // what differs from broker to broker
    private Integer exit; // the code of the tool's exit; null while it has none

    private Tools(Client client, Report report) throws Exception {
        this.client = client;
        this.report = report;
        try (Admin admin = client.admin()) {
            String cluster = admin.describeCluster().clusterId().get();
            this.unlike = Map.of(cluster, "CLUSTER", client.broker.replaceAll(".*:", ""), "PORT");
        }
    }

    static void add(Map<String, Main.Scenario> all) {
        all.put("tools", (client, report) -> new Tools(client, report).run());
    }

    /** Ends a tool in place of the process. */
    private static final class Exited extends Error {
        Exited() {
            super("exit", null, false, false);
        }
    }

    private void run() throws Exception {
        PrintStream out = System.out;
        PrintStream err = System.err;
        InputStream in = System.in;
        Exit.setExitProcedure((code, message) -> {
            exit = exit == null ? code : exit; // a tool may catch the first, and exit again
            throw new Exited();
        });
        try {
            topics();
            records();
            groups();
            cluster();
        } finally {
            System.setOut(out);
            System.setErr(err);
            System.setIn(in);
        }
    }

    private void topics() throws Exception {
        tool("TopicCommand", "--create --topic tools --partitions 2 --config retention.ms=60000");
        tool("TopicCommand", "--create --topic tools --partitions 2");
        tool("TopicCommand", "--create --topic tools --if-not-exists");
        tool("TopicCommand", "--create --topic tools-bad --config no.such.config=1");
        tool("TopicCommand", "--create --topic tools-two --replication-factor 2");
        tool("TopicCommand", "--create --topic tools-default");
        tool("TopicCommand", "--describe --topic tools-default");
        tool("TopicCommand", "--describe --topic tools");
        tool("TopicCommand", "--describe --topic tools-not");
        tool("TopicCommand", "--describe --unavailable-partitions");
        tool("TopicCommand", "--alter --topic tools --partitions 3");
        tool("TopicCommand", "--alter --topic tools --partitions 1");
        tool("TopicCommand", "--list --topic tools.*");
        tool("kafka.admin.ConfigCommand", "--alter --entity-type topics --entity-name tools --add-config max.message.bytes=2000000");
        tool("kafka.admin.ConfigCommand", "--alter --entity-type topics --entity-name tools --add-config no.such.config=1");
        tool("kafka.admin.ConfigCommand", "--describe --entity-type topics --entity-name tools");
        tool("kafka.admin.ConfigCommand", "--alter --entity-type topics --entity-name tools --delete-config retention.ms");
        tool("kafka.admin.ConfigCommand", "--describe --topic tools");
        tool("kafka.admin.ConfigCommand", "--alter --entity-type users --entity-name tools --add-config producer_byte_rate=1000000000");
        tool("kafka.admin.ConfigCommand", "--describe --entity-type users --entity-name tools");
        tool("kafka.admin.ConfigCommand", "--describe --entity-type clients --entity-name tools");
        tool("kafka.admin.ConfigCommand", "--alter --entity-type users --entity-name tools --delete-config producer_byte_rate");
        tool("kafka.admin.ConfigCommand", "--describe --entity-type brokers --entity-default");
        tool("TopicCommand", "--delete --topic tools-default");
        tool("TopicCommand", "--delete --topic tools-not");
    }

    private void records() throws Exception {
        typed("a:1\nb:2\nc:3\n", "ConsoleProducer", "--topic tools-records --property parse.key=true --property key.separator=:");
        tool("consumer.ConsoleConsumer", "--topic tools-records --from-beginning --max-messages 3 --timeout-ms 20000"
            + " --group tools-group --formatter-property print.key=true");
        tool("GetOffsetShell", "--topic tools-records");
        tool("GetOffsetShell", "--topic tools-records --time earliest");
        tool("GetOffsetShell", "--topic-partitions tools-records:0,tools-not:0");
        tool("GetOffsetShell", "--topic tools-not");
        tool("ProducerPerformance", "--topic tools-perf --num-records 2000 --record-size 100 --throughput -1");
        tool("ProducerPerformance", "--topic tools-perf --num-records 2000 --record-size 100 --throughput -1"
            + " --transactional-id tools-perf --transaction-duration-ms 50");
        tool("ConsumerPerformance", "--topic tools-perf --num-records 4000 --timeout 20000 --group tools-perf-group");
        // It would go on at once after making a topic, which a broker need not know of yet then.
        tool("TopicCommand", "--create --topic tools-latency --partitions 1");
        tool("EndToEndLatency", "--topic tools-latency --num-records 20 --producer-acks all --record-size 100");
        Path file = Files.createTempFile("records", ".json");
        for (int offset : new int[] {2, 0, 99}) {
            Files.writeString(file, "{\"partitions\":[{\"topic\":\"tools-one\",\"partition\":0,\"offset\":" + offset + "}],\"version\":1}");
            if (offset == 2) {
                tool("TopicCommand", "--create --topic tools-one --partitions 1");
                client.fill("tools-one", 0, 5);
            }
            tool("DeleteRecordsCommand", "--offset-json-file " + file);
        }
        tool("GetOffsetShell", "--topic tools-one --time earliest");
        Files.writeString(file, "{\"partitions\":[{\"topic\":\"tools-one\",\"partition\":0}]}");
        tool("LeaderElectionCommand", "--election-type preferred --path-to-json-file " + file);
        Files.writeString(file, "{\"version\":1,\"partitions\":[{\"topic\":\"tools-one\",\"partition\":0,\"replicas\":[77]}]}");
        tool("reassign.ReassignPartitionsCommand", "--execute --reassignment-json-file " + file);
        Files.writeString(file, "{\"version\":1,\"partitions\":[{\"topic\":\"tools-one\",\"partition\":0,\"replicas\":[" + client.node()
            + "]}]}");
        tool("reassign.ReassignPartitionsCommand", "--execute --reassignment-json-file " + file);
        tool("reassign.ReassignPartitionsCommand", "--verify --reassignment-json-file " + file);
        tool("reassign.ReassignPartitionsCommand", "--list");
        Files.delete(file);
    }

    private void groups() throws Exception {
        String groups = "consumer.group.ConsumerGroupCommand";
        String group = " --group tools-group";
        tool(groups, "--list");
        tool(groups, "--list --state --type");
        tool(groups, "--describe" + group);
        tool(groups, "--describe --members" + group);
        tool(groups, "--describe --state" + group);
        tool(groups, "--describe --group tools-not");
        tool(groups, "--reset-offsets --to-earliest --all-topics --dry-run" + group);
        tool(groups, "--reset-offsets --shift-by -1 --topic tools-records:0 --execute" + group);
        tool(groups, "--reset-offsets --to-offset 3 --topic tools-one:0 --execute --group tools-new");
        tool(groups, "--describe --offsets --group tools-new");
        tool(groups, "--delete-offsets --topic tools-one:0 --group tools-new");
        tool(groups, "--delete --group tools-new");
        tool(groups, "--delete --group tools-not");
        tool(groups, "--validate-regex tools.*");
        tool("GroupsCommand", "--list");
        tool("consumer.group.ShareGroupCommand", "--describe --group tools-not");
    }

    private void cluster() throws Exception {
        tool("ClusterTool", "cluster-id");
        tool("ClusterTool", "list-endpoints");
        tool("LogDirsCommand", "--describe --topic-list tools-one");
        tool("MetadataQuorumCommand", "describe --status");
        tool("MetadataQuorumCommand", "describe --replication");
        tool("TransactionsCommand", "list --transactional-id-pattern tools.*");
        tool("TransactionsCommand", "find-hanging --topic tools-perf --partition 0");
        tool("FeatureCommand", "describe");
        tool("AclCommand", "--list");
        tool("DelegationTokenCommand", "--describe");
        tool("ClientMetricsCommand", "--list");
        tool("BrokerApiVersionsCommand", "");
    }

    private void tool(String name, String args) throws Exception {
        typed("", name, args);
    }

    /**
     * Runs a tool's main method, with text on its standard input, once the broker has learnt of what earlier ones did, and says
     * what it printed and how it ended.
     */
    private void typed(String text, String name, String line) throws Exception {
        try (Admin admin = client.admin()) {
            Client.settle(admin);
        }
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(printed, true, StandardCharsets.UTF_8);
        System.setOut(stream);
        System.setErr(stream);
        System.setIn(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        String arguments = name.equals("TransactionsCommand") || name.equals("MetadataQuorumCommand") || name.equals("FeatureCommand")
            ? flag(name) + " " + line
            : line + " " + flag(name);
        String end = "";
        exit = null;
        try {
            Class<?> tool = Class.forName(name.startsWith("kafka.") ? name : TOOLS + name);
            tool.getMethod("main", String[].class).invoke(null, (Object) arguments.trim().split(" +"));
        } catch (InvocationTargetException e) {
            end = e.getCause() instanceof Exited ? "" : "\n" + Report.failure(e.getCause());
        }
        stream.flush();
        String step = name.replaceAll(".*\\.", "") + " " + line.replaceAll("/\\S*/records\\d*", "FILE");
        report.say(step, Output.normal(name + " " + line, printed.toString(StandardCharsets.UTF_8), unlike) + end + (exit == null
            || exit == 0 ? "" : "\nexit " + exit));
    }

    private String flag(String tool) {
        return (tool.matches("ProducerPerformance") ? "--producer-props max.block.ms=" + Client.PATIENCE.toMillis() + " bootstrap.servers="
            + client.broker : "--bootstrap-server "
            + client.broker);
    }
}
