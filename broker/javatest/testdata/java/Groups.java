import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;

/** Admin on groups and their offsets. */
final class Groups {
    private static final TopicPartition FIRST = new TopicPartition("grouped", 0);
    private static final TopicPartition SECOND = new TopicPartition("grouped", 1);

    private Groups() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("admin/groups", Groups::groups);
        all.put("admin/group-offsets", Groups::offsets);
    }

    private static void groups(Client client, Report report) throws Exception {
        client.topics(2, "groups");
        try (Admin admin = client.admin()) {
            for (String protocol : List.of("classic", "consumer")) {
                String group = "groups-" + protocol;
                try (KafkaConsumer<String, String> consumer = client.consumer("group.id", group, "group.protocol", protocol, "client.id",
                    "app")) {
                    consumer.subscribe(List.of("groups"));
                    Client.until("joined", () -> consumer.poll(java.time.Duration.ofMillis(50)) != null && consumer.assignment().size() ==
                        2);
                    Client.until("stable", () -> describe(admin, group).groupState().toString().equals("Stable"));
                    report.tries(protocol + " described", () -> show(describe(admin, group)));
                    report.tries(protocol + " listed", () -> {
                        Client.until("stable", () -> listed(admin, group).toString().contains("Stable")); // other topics may come meanwhile
                        return listed(admin, group).toString().replaceAll("Stable|Reconciling", "with members");
                    });
                    report.tries(protocol + " deleted while it has members", () ->
                        Client.each(admin.deleteConsumerGroups(List.of(group)).deletedGroups()));
                }
                Client.until("empty", () -> describe(admin, group).groupState().toString().equals("Empty"));
                report.tries(protocol + " described, empty", () -> show(describe(admin, group)));
                report.tries(protocol + " listed, empty", () -> listed(admin, group));
                if (protocol.equals("classic")) {
                    report.tries("classic described", () -> admin.describeClassicGroups(List.of(group)).all().get().get(group).protocol());
                }
                report.tries(protocol + " as a share group", () ->
                    Client.each(admin.describeShareGroups(List.of(group)).describedGroups()));
                report.tries(protocol + " deleted", () -> Client.each(admin.deleteConsumerGroups(List.of(group)).deletedGroups()));
                report.tries(protocol + " deleted again", () -> Client.each(admin.deleteConsumerGroups(List.of(group)).deletedGroups()));
                report.tries(protocol + " listed, deleted", () -> listed(admin, group));
                report.tries(protocol + " described, deleted", () -> show(describe(admin, group)));
            }
            report.tries("unknown described as classic", () ->
                Client.each(admin.describeClassicGroups(List.of("groups-not")).describedGroups()));
            report.tries("unknown described as share", () ->
                Client.each(admin.describeShareGroups(List.of("groups-not")).describedGroups()));
            report.tries("unknown share deleted", () -> Client.each(admin.deleteShareGroups(List.of("groups-not")).deletedGroups()));
            report.tries("no name deleted", () -> Client.each(admin.deleteConsumerGroups(List.of("")).deletedGroups()));
            RemoveMembersFromConsumerGroupOptions ghost = new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("ghost")));
            report.tries("unknown member removed", () -> admin.removeMembersFromConsumerGroup("groups-not", ghost).all().get());
            ListGroupsOptions shares = new ListGroupsOptions().withTypes(Set.of(GroupType.SHARE)).withProtocolTypes(Set.of("no"));
            report.tries("listed by type", () -> admin.listGroups(shares).all().get());
        }
    }

    private static ConsumerGroupDescription describe(Admin admin, String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group);
    }

    private static String show(ConsumerGroupDescription d) {
        return d.groupId() + " " + d.groupState().toString().replace("Reconciling", "Stable") + " " + d.type() + " assignor "
            + d.partitionAssignor() + " simple " + d.isSimpleConsumerGroup() + " operations "
            + d.authorizedOperations() + " coordinator " + !d.coordinator().isEmpty() + " epoch " + d.groupEpoch().isPresent() + " members "
            + d.members().stream().map(m -> m.clientId() + " " + m.host().startsWith("/127.") + " " + m.groupInstanceId() + " "
                + Report.show(m.assignment().topicPartitions()) + " upgraded "
                + m.upgraded()).collect(Collectors.toList());
    }

    private static List<String> listed(Admin admin, String group) throws Exception {
        return admin.listGroups().all().get().stream().filter(g -> g.groupId().equals(group))
            .map(g -> g.protocol() + " " + g.type().orElse(null) + " " + g.groupState().orElse(null) + " simple "
                + g.isSimpleConsumerGroup()).collect(Collectors.toList());
    }

    private static void offsets(Client client, Report report) throws Exception {
        client.topics(2, "grouped");
        client.fill("grouped", 0, 10);
        ListConsumerGroupOffsetsSpec every = new ListConsumerGroupOffsetsSpec();
        ListConsumerGroupOffsetsSpec both = new ListConsumerGroupOffsetsSpec().topicPartitions(List.of(FIRST, SECOND));
        try (Admin admin = client.admin()) {
            report.tries("of an unknown group", () -> list(admin, "offsets-not", every));
            report.tries("of an unknown group's partitions", () -> list(admin, "offsets-not", both));
            report.tries("set", () -> alter(admin, "offsets", FIRST, new OffsetAndMetadata(5)));
            report.tries("set with metadata", () -> alter(admin, "offsets", SECOND, new OffsetAndMetadata(6, Optional.of(0), "note")));
            report.tries("set at an unknown partition", () -> alter(admin, "offsets", new TopicPartition("grouped", 9),
                new OffsetAndMetadata(1)));
            report.tries("set at an unknown topic", () -> alter(admin, "offsets", new TopicPartition("grouped-not", 0),
                new OffsetAndMetadata(1)));
            report.tries("listed", () -> list(admin, "offsets", every));
            report.tries("listed both", () -> list(admin, "offsets", both));
            report.tries("of many groups", () -> {
                Map<String, ListConsumerGroupOffsetsSpec> specs = Map.of("offsets", every, "offsets-not", both);
                return admin.listConsumerGroupOffsets(specs).all().get().toString();
            });
            report.tries("set back", () -> alter(admin, "offsets", FIRST, new OffsetAndMetadata(2)));
            report.restart();
            Client.until("a restart", () -> list(admin, "offsets", every) != null);
            report.tries("listed after a restart", () -> list(admin, "offsets", every));
            report.tries("deleted", () -> Client.each(Map.of(SECOND, admin.deleteConsumerGroupOffsets("offsets",
                Set.of(SECOND)).partitionResult(SECOND))));
            report.tries("deleted again", () -> Client.each(Map.of(SECOND, admin.deleteConsumerGroupOffsets("offsets",
                Set.of(SECOND)).partitionResult(SECOND))));
            report.tries("deleted of an unknown group", () -> admin.deleteConsumerGroupOffsets("offsets-not", Set.of(FIRST)).all().get());
            report.tries("left", () -> list(admin, "offsets", every));
            report.tries("group", () -> listed(admin, "offsets"));
            try (KafkaConsumer<String, String> consumer = client.consumer("group.id", "offsets")) {
                consumer.subscribe(List.of("grouped"));
                report.tries("read on", () -> Client.take(consumer, 8));
                report.tries("set while it has members", () -> alter(admin, "offsets", FIRST, new OffsetAndMetadata(1)));
                report.tries("deleted while it has members", () -> admin.deleteConsumerGroupOffsets("offsets", Set.of(FIRST)).all().get());
            }
            report.tries("group deleted", () -> Client.each(admin.deleteConsumerGroups(List.of("offsets")).deletedGroups()));
            report.tries("of a deleted group", () -> list(admin, "offsets", both));
        }
    }

    private static String list(Admin admin, String group, ListConsumerGroupOffsetsSpec spec) throws Exception {
        return Report.show(admin.listConsumerGroupOffsets(Map.of(group, spec)).partitionsToOffsetAndMetadata(group).get());
    }

    private static Collection<Object> alter(Admin admin, String group, TopicPartition p, OffsetAndMetadata offset) throws Exception {
        return Client.each(Map.of(p, admin.alterConsumerGroupOffsets(group, Map.of(p, offset)).partitionResult(p))).values();
    }
}
