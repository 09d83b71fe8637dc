import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;

/** Groups of many members: how they share partitions, static ones, and the change of protocols. */
final class Members {
    private static final String ASSIGNOR = "partition.assignment.strategy";
    private static final String PACKAGE = "org.apache.kafka.clients.consumer.";

    private Members() {}

    static void add(Map<String, Main.Scenario> all) {
        for (String assignor : List.of("RangeAssignor", "RoundRobinAssignor", "StickyAssignor", "CooperativeStickyAssignor")) {
            all.put("members/" + assignor, (client, report) -> shared(client, report, "classic", ASSIGNOR, PACKAGE + assignor));
        }
        for (String assignor : List.of("uniform", "range")) {
            all.put("members/consumer-" + assignor, (client, report) -> shared(client, report, "consumer", "group.remote.assignor",
                assignor));
        }
        for (String protocol : List.of("classic", "consumer")) {
            all.put("members/static-" + protocol, (client, report) -> fixed(client, report, protocol));
        }
        all.put("members/upgrade-when-empty", (client, report) -> later(client, report, "classic", "consumer"));
        all.put("members/downgrade-when-empty", (client, report) -> later(client, report, "consumer", "classic"));
        all.put("members/upgrade", (client, report) -> change(client, report, "classic", "consumer"));
        all.put("members/downgrade", (client, report) -> change(client, report, "consumer", "classic"));
    }

    /** A consumer that polls in a thread of its own. */
    private static final class Member implements AutoCloseable {
        final KafkaConsumer<String, String> consumer;
        volatile Set<TopicPartition> has = Set.of();
        volatile Throwable error;
        private volatile boolean over;
        private final Set<String> seen;
        private final Thread thread;

        Member(KafkaConsumer<String, String> consumer, String topic, Set<String> seen) {
            this.consumer = consumer;
            this.seen = seen;
            consumer.subscribe(List.of(topic));
            thread = new Thread(this::run);
            thread.start();
        }

        private void run() {
            try (consumer) {
                while (!over) {
                    consumer.poll(Duration.ofMillis(20)).forEach(r -> {
                        synchronized (seen) {
                            seen.add(r.partition() + " " + r.value());
                        }
                    });
                    has = consumer.assignment();
                }
                consumer.commitSync();
            } catch (Throwable e) {
                error = e;
                has = Set.of();
            }
        }

        @Override
        public void close() throws InterruptedException {
            over = true;
            thread.join();
        }
    }

    private static int partitions(List<Member> members) {
        Set<TopicPartition> all = new HashSet<>();
        int sum = 0;
        for (Member member : members) {
            sum += member.has.size();
            all.addAll(member.has);
        }
        return sum == all.size() ? sum : -1; // one that two members have counts for none
    }

    private static void shared(Client client, Report report, String protocol, String setting, String value) throws Exception {
        String topic = "shared-" + value.replaceAll(".*\\.", "");
        client.topics(4, topic);
        client.fill(topic, 1, 5);
        Object[] settings = {"group.id", topic, "group.protocol", protocol, setting, value, "enable.auto.commit", "true",
            "auto.commit.interval.ms", 100};
        Set<String> seen = new HashSet<>();
        List<Member> members = new ArrayList<>();
        try (Admin admin = client.admin()) {
            for (int i = 0; i < 2; i++) {
                members.add(new Member(client.consumer(settings), topic, seen));
                Client.until("shared", () -> partitions(members) == 4 && members.stream().allMatch(m -> m.has.size() ==
                    4 / members.size()));
            }
            report.tries("assignor", () -> admin.describeConsumerGroups(List.of(topic)).all().get().get(topic).partitionAssignor());
            report.say("of two", members.stream().map(m -> m.has.size()).toList());
            client.fill(topic, 3, 5);
            Client.until("read", () -> {
                synchronized (seen) {
                    return seen.size() == 10;
                }
            });
            report.restart();
            for (int partition = 0; partition < 4; partition++) {
                client.fill(topic, partition, 5);
            }
            Map<Object, Long> committed = new HashMap<>();
            Client.until("committed after a restart", () -> { // by both members: each knows the broker again
                admin.listConsumerGroupOffsets(topic).partitionsToOffsetAndMetadata().get().forEach((p, o) -> committed.put(p, o.offset()));
                return committed.values().stream().mapToLong(o -> o).sum() == 30;
            });
            report.say("committed", committed);
            members.remove(0).close();
            Client.until("of one", () -> partitions(members) == 4);
            report.say("of one", members.get(0).has.size());
        } finally {
            for (Member member : members) {
                member.close();
                report.say("error", member.error);
            }
        }
    }

    private static void fixed(Client client, Report report, String protocol) throws Exception {
        String topic = "static-" + protocol;
        client.topics(2, topic);
        Set<String> seen = new HashSet<>();
        Object[] settings = {"group.id", topic, "group.protocol", protocol, "group.instance.id", "one"};
        Object[] other = {"group.id", topic, "group.protocol", protocol, "group.instance.id", "two"};
        try (Admin admin = client.admin(); Member second = new Member(client.consumer(other), topic, seen)) {
            Set<TopicPartition> had;
            try (Member first = new Member(client.consumer(settings), topic, seen)) {
                Client.until("shared", () -> partitions(List.of(first, second)) == 2 && first.has.size() == 1);
                had = first.has;
            }
            report.tries("after a close", () -> admin.describeConsumerGroups(List.of(topic)).all().get().get(topic).members().stream()
                .map(m -> m.groupInstanceId().get()).sorted().toList());
            try (Member first = new Member(client.consumer(settings), topic, seen)) {
                Client.until("back", () -> first.has.equals(had));
                report.say("the same partitions", first.has.equals(had));
                try (Member twin = new Member(client.consumer(settings), topic, seen)) {
                    Client.until("refused", () -> first.error != null || twin.error != null);
                    report.say("refused", (first.error != null ? "the first " : "the twin ") + Report.show(first.error != null
                        ? first.error : twin.error));
                }
            }
        }
    }

    /** The only member of one protocol leaves, and one of the other comes. */
    private static void later(Client client, Report report, String from, String to) throws Exception {
        String topic = "later-" + from;
        client.topics(1, topic);
        client.fill(topic, 0, 5);
        for (String protocol : List.of(from, to)) {
            try (KafkaConsumer<String, String> consumer = client.consumer("group.id", topic, "group.protocol", protocol); Admin admin =
                client.admin()) {
                consumer.subscribe(List.of(topic));
                report.tries(protocol + " reads", () -> Client.take(consumer, 5));
                consumer.commitSync();
                if (to.equals("consumer")) { // the embedded broker's group stays one of the newer protocol
                    report.tries(protocol + " type", () -> admin.describeConsumerGroups(List.of(topic)).all().get().get(topic).type());
                }
            }
            client.fill(topic, 0, 5);
        }
    }

    /** Members of one protocol come into a group of the other, which they take over. */
    private static void change(Client client, Report report, String from, String to) throws Exception {
        String topic = "change-" + from;
        client.topics(2, topic);
        client.fill(topic, 0, 5);
        Set<String> seen = new HashSet<>();
        List<Member> members = new ArrayList<>();
        try (Admin admin = client.admin()) {
            members.add(new Member(client.consumer("group.id", topic, "group.protocol", from, "enable.auto.commit", "true",
                "auto.commit.interval.ms", 100), topic, seen));
            Client.until("one", () -> members.get(0).has.size() == 2);
            members.add(new Member(client.consumer("group.id", topic, "group.protocol", to, "enable.auto.commit", "true",
                "auto.commit.interval.ms", 100), topic, seen));
            Client.until("two", () -> partitions(members) == 2 && members.get(1).has.size() == 1);
            report.tries("mixed", () -> admin.describeConsumerGroups(List.of(topic)).all().get().get(topic).type() + " "
                + admin.describeConsumerGroups(List.of(topic)).all().get().get(topic).members().stream().map(m -> m.upgraded().toString())
                    .sorted().toList());
            client.fill(topic, 1, 5);
            Client.until("read", () -> {
                synchronized (seen) {
                    return seen.size() == 10;
                }
            });
            Client.until("committed", () -> admin.listConsumerGroupOffsets(topic).partitionsToOffsetAndMetadata().get().values().stream()
                .mapToLong(o -> o.offset()).sum() == 10);
            members.remove(0).close();
            Client.until("one of the new", () -> members.get(0).has.size() == 2);
            if (to.equals("consumer")) { // the embedded broker's stays so: its classic members take part by the newer protocol
                Client.until("type", () -> admin.describeConsumerGroups(List.of(topic)).all().get().get(topic).type() ==
                    GroupType.CONSUMER);
            }
        } finally {
            for (Member member : members) {
                member.close();
                report.say("error", member.error);
            }
        }
        try (KafkaConsumer<String, String> consumer = client.consumer("group.id", topic, "group.protocol", to)) {
            report.tries("committed", () -> consumer.committed(Set.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1))));
        }
    }
}
