import java.io.File;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Takes out of a tool's output what is of its time, of its machine, of chance, or of a broker's own settings. */
final class Output {
    private static final Pattern FOLDER = Pattern.compile("\"logDir\":\"([^\"]*)\"");

    private Output() {}

    /** @param unlike text of one broker, and what stands for it */
    static String normal(String command, String output, Map<String, String> unlike) {
        for (Map.Entry<String, String> one : unlike.entrySet()) {
            output = output.replace(one.getKey(), one.getValue());
        }
        boolean listing = command.matches("\\S+ --list.*"); // of others' topics and groups too
        return Arrays.stream(output.split("\n")).filter(l ->
            !l.matches("\\s+at .*|.*Exited: exit|exit")) // the end of a tool in this process
            .filter(l -> !listing || l.contains("tools") || l.matches(".*(Error|GROUP).*"))
            .map(l -> line(command, l)).filter(l -> !l.isEmpty()).distinct().sorted().collect(Collectors.joining("\n"));
    }

    private static String line(String command, String line) {
        line = line.replaceAll("localhost|127\\.0\\.0\\.1", "HOST")
            .replaceAll("TopicId: \\S+", "TopicId: ID")
            .replaceAll("(Leader|Replicas|Isr): \\d+", "$1: NODE")
            .replaceAll("(brokers?\"?:? ?)\\d+", "$1NODE")
            .replaceAll("(Error while executing .*?(command|args)).*", "$1") // the words are each broker's own
            .replaceAll("([A-Za-z]+Exception): .*", "$1")
            .replaceAll("\"replicas\":\\[\\d+\\],\"log_dirs\":\\[\"/[^\"]*\"\\]", "a replica")
            .replaceAll("^\\s*min.insync.replicas=1 sensitive.*|(?<=retention.ms=60000 sensitive=false) synonyms.*", "")
            .replaceAll("\\b(min.insync.replicas=1|retention.ms=-1|(segment|retention).bytes=\\d+),?", "");
        line = FOLDER.matcher(line).replaceAll(m -> new File(m.group(1)).isDirectory() ? "a folder" : "no folder");
        if (command.matches("(ProducerPerf|ConsumerPerf|EndToEnd|MetadataQuorum|"
            + "TransactionsCommand list|ClusterTool list|.*ConsumerGroupCommand --describe --state).*")) {
            line = line.replaceAll("\\b\\d[\\d.:-]*", "N").replaceAll("CONTROLLER|PLAINTEXT",
                "LISTENER").replaceAll("Complete\\w+|\\bEmpty", "over");
            line = line.replaceAll("HOST:(PORT|N)", "ADDRESS");
        } else if (command.startsWith("FeatureCommand")) {
            line = line.replaceAll("\\s+SupportedMinVersion.*", "").replaceAll(".*streams.version.*", "");
        } else if (command.startsWith("BrokerApiVersions")) {
            line = line.replaceAll(".*\\(\\d+\\):.*|.*id: .*", "");
        }
        return line.replaceAll(",$", "").replaceAll("\\s+", " ").trim();
    }
}
