import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;

/** Admin on the cluster: its nodes, features, folders and replicas. */
final class Clusters {
    private Clusters() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("admin/cluster", Clusters::cluster);
        all.put("admin/features", Clusters::features);
        all.put("admin/log-dirs", Clusters::logDirs);
        all.put("admin/reassignments", Clusters::reassignments);
        all.put("admin/elections", Clusters::elections);
    }

    private static void cluster(Client client, Report report) throws Exception {
        try (Admin admin = client.admin()) {
            for (DescribeClusterOptions options : List.of(new DescribeClusterOptions(),
                new DescribeClusterOptions().includeAuthorizedOperations(true),
                new DescribeClusterOptions().includeFencedBrokers(true))) {
                DescribeClusterResult cluster = admin.describeCluster(options);
                report.tries("nodes", () -> cluster.nodes().get().size());
                report.tries("controller", () -> cluster.controller().get().id() == client.node());
                report.tries("id", () -> !cluster.clusterId().get().isEmpty());
                report.tries("operations", () -> cluster.authorizedOperations().get());
                report.tries("fenced", () -> cluster.nodes().get().iterator().next().isFenced());
                report.tries("rack", () -> cluster.nodes().get().iterator().next().rack());
            }
            report.tries("quorum", () -> {
                QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get();
                QuorumInfo.ReplicaState voter = quorum.voters().get(0);
                return "leader is the node " + (quorum.leaderId() == client.node()) + ", epoch " + (quorum.leaderEpoch() > 0) + ", voters "
                    + quorum.voters().size()
                    + ", observers " + quorum.observers().size() + ", high watermark " + (quorum.highWatermark() >= 0) + ", voter "
                        + (voter.replicaId() == client.node())
                    + ", log end " + (voter.logEndOffset() >= 0) + ", fetched " + voter.lastFetchTimestamp().isPresent() + ", caught up "
                        + voter.lastCaughtUpTimestamp().isPresent();
            });
            report.tries("client instance", () -> !admin.clientInstanceId(java.time.Duration.ofSeconds(5)).toString().isEmpty());
            report.tries("metrics", () -> !admin.metrics().isEmpty());
        }
    }

    private static void features(Client client, Report report) throws Exception {
        try (Admin admin = client.admin()) {
            report.tries("supported", () -> shown(admin.describeFeatures().featureMetadata().get().supportedFeatures().keySet()));
            report.tries("finalized", () -> shown(admin.describeFeatures().featureMetadata().get().finalizedFeatures().keySet()));
            report.tries("epoch", () -> admin.describeFeatures().featureMetadata().get().finalizedFeaturesEpoch().isPresent());
        }
    }

    /** A quorum that a file configures has no version; and the embedded broker has no groups of the streams protocol. */
    private static Set<String> shown(Set<String> features) {
        Set<String> names = new java.util.TreeSet<>(features);
        names.removeAll(Set.of("kraft.version", "streams.version"));
        return names;
    }

    private static void logDirs(Client client, Report report) throws Exception {
        client.topics(2, "log-dirs");
        client.fill("log-dirs", 0, 10);
        int node = client.node();
        try (Admin admin = client.admin()) {
            Map<String, LogDirDescription> dirs = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node);
            report.say("folders", dirs.size());
            dirs.forEach((path, dir) -> {
                report.say("there", new java.io.File(path).isDirectory());
                report.say("error", dir.error());
                report.say("cordoned", dir.isCordoned());
                report.say("total", dir.totalBytes().isPresent() && dir.totalBytes().getAsLong() > dir.usableBytes().getAsLong());
                report.say("replicas", dir.replicaInfos().entrySet().stream().filter(e -> e.getKey().topic().equals("log-dirs"))
                    .map(e -> e.getKey() + " bytes " + (e.getValue().size() > 0) + " lag " + e.getValue().offsetLag() + " future "
                        + e.getValue().isFuture()).sorted()
                    .collect(Collectors.toList()));
            });
            TopicPartitionReplica replica = new TopicPartitionReplica("log-dirs", 0, node);
            report.tries("of a replica", () -> dirs.containsKey(admin.describeReplicaLogDirs(List.of(replica)).all().get()
                .get(replica).getCurrentReplicaLogDir()));
            report.tries("of an unknown replica", () -> admin.describeReplicaLogDirs(List.of(new TopicPartitionReplica("log-dirs", 9,
                node))).all().get().values().iterator().next()
                .getCurrentReplicaLogDir());
            String same = dirs.keySet().iterator().next();
            report.tries("moved to where it is", () -> Client.each(admin.alterReplicaLogDirs(Map.of(replica, same)).values()).values());
            report.tries("moved to an unknown folder", () -> Client.each(admin.alterReplicaLogDirs(Map.of(replica, "/no/such/folder"))
                .values()).values());
        }
    }

    private static void reassignments(Client client, Report report) throws Exception {
        client.topics(1, "reassigned");
        int node = client.node();
        TopicPartition p = new TopicPartition("reassigned", 0);
        TopicPartition none = new TopicPartition("reassigned", 9);
        try (Admin admin = client.admin()) {
            report.tries("none", () -> admin.listPartitionReassignments().reassignments().get());
            report.tries("none of one", () -> admin.listPartitionReassignments(Set.of(p)).reassignments().get());
            report.tries("to where it is", () -> reassign(admin, p, List.of(node)));
            report.tries("to an unknown broker", () -> reassign(admin, p, List.of(77)));
            report.tries("to one more, unknown", () -> reassign(admin, p, List.of(node, 77)));
            report.tries("to the same twice", () -> reassign(admin, p, List.of(node, node)));
            report.tries("to a negative broker", () -> reassign(admin, p, List.of(-1)));
            report.tries("to nowhere", () -> reassign(admin, p, List.of()));
            report.tries("unknown partition", () -> reassign(admin, none, List.of(node)));
            report.tries("unknown topic", () -> reassign(admin, new TopicPartition("reassigned-not", 0), List.of(node)));
            report.tries("cancelled", () -> Client.each(admin.alterPartitionReassignments(Map.of(p, Optional.empty())).values()));
            report.say("replicas", admin.describeTopics(List.of("reassigned")).allTopicNames().get().get("reassigned").partitions()
                .get(0).replicas().size());
        }
    }

    private static Collection<Object> reassign(Admin admin, TopicPartition p, List<Integer> brokers) throws Exception {
        return Client.each(admin.alterPartitionReassignments(Map.of(p, Optional.of(new NewPartitionReassignment(brokers)))).values())
            .values();
    }

    private static void elections(Client client, Report report) throws Exception {
        client.topics(1, "elected");
        TopicPartition p = new TopicPartition("elected", 0);
        try (Admin admin = client.admin()) {
            for (ElectionType type : ElectionType.values()) {
                report.tries(type + " not needed", () -> admin.electLeaders(type, Set.of(p)).partitions().get());
                report.tries(type + " unknown topic", () -> admin.electLeaders(type, Set.of(new TopicPartition("elected-not",
                    0))).partitions().get());
                report.tries(type + " unknown partition", () -> admin.electLeaders(type, Set.of(new TopicPartition("elected",
                    7))).partitions().get());
            }
            report.tries("all", () -> admin.electLeaders(ElectionType.PREFERRED, null).partitions().get());
        }
    }
}
