package answers

import "github.com/twmb/franz-go/pkg/kmsg"

// none and empty are a field that Kafka sends as null, and one that it never does.
func none(path string) Field  { return Field{Path: path, Null: true} }
func empty(path string) Field { return Field{Path: path} }

// message is the text that comes with an error; without one, Kafka sends null.
var message = none("ErrorMessage")

// nullable has every field that the protocol lets be null, of every answer that the
// embedded broker gives, and what Apache Kafka 4.3 sends where there is nothing to say.
var nullable = map[kmsg.Key][]Field{
	kmsg.Produce: {none("Brokers.Rack"), none("Topics.Partitions.ErrorMessage"), none("Topics.Partitions.ErrorRecords.ErrorMessage")},
	// Records are never null, nor does kfake send them so. Without aborted
	// transactions Kafka sends none of them to readers of what is committed, and
	// null to others; kfake sends null to all, which clients take for none.
	kmsg.Fetch:           {none("Brokers.Rack"), none("Topics.Partitions.AbortedTransactions"), empty("Topics.Partitions.RecordBatches")},
	kmsg.Metadata:        {none("Brokers.Rack"), none("ClusterID"), none("Topics.Topic")},
	kmsg.OffsetFetch:     {empty("Groups.Topics.Partitions.Metadata"), empty("Topics.Partitions.Metadata")},
	kmsg.FindCoordinator: {empty("Coordinators.ErrorMessage"), message},
	kmsg.JoinGroup:       {none("Members.InstanceID"), none("Protocol"), none("ProtocolType")},
	kmsg.LeaveGroup:      {none("Members.InstanceID")},
	kmsg.SyncGroup:       {none("Protocol"), none("ProtocolType")},
	kmsg.DescribeGroups:  {none("Groups.ErrorMessage"), none("Groups.Members.InstanceID")},
	kmsg.CreateTopics:    {empty("Topics.Configs"), none("Topics.Configs.Value"), none("Topics.ErrorMessage")},
	kmsg.DeleteTopics:    {none("Topics.ErrorMessage"), none("Topics.Topic")},
	kmsg.DeleteGroups:    {none("Groups.ErrorMessage")},
	kmsg.DescribeACLs:    {message},
	kmsg.CreateACLs:      {none("Results.ErrorMessage")},
	kmsg.DeleteACLs:      {none("Results.ErrorMessage"), none("Results.MatchingACLs.ErrorMessage")},
	kmsg.DescribeConfigs: {
		empty("Resources.ErrorMessage"), none("Resources.Configs.Value"),
		none("Resources.Configs.ConfigSynonyms.Value"), none("Resources.Configs.Documentation"),
	},
	kmsg.AlterConfigs:                 {none("Resources.ErrorMessage")},
	kmsg.SASLAuthenticate:             {message},
	kmsg.CreatePartitions:             {none("Topics.ErrorMessage")},
	kmsg.ElectLeaders:                 {none("Topics.Partitions.ErrorMessage")},
	kmsg.IncrementalAlterConfigs:      {none("Resources.ErrorMessage")},
	kmsg.AlterPartitionAssignments:    {message, none("Topics.Partitions.ErrorMessage")},
	kmsg.ListPartitionReassignments:   {message},
	kmsg.DescribeClientQuotas:         {empty("ErrorMessage"), empty("Entries"), none("Entries.Entity.Name")},
	kmsg.AlterClientQuotas:            {none("Entries.ErrorMessage"), none("Entries.Entity.Name")},
	kmsg.DescribeUserSCRAMCredentials: {empty("ErrorMessage"), none("Results.ErrorMessage")},
	kmsg.AlterUserSCRAMCredentials:    {none("Results.ErrorMessage")},
	kmsg.DescribeQuorum:               {empty("ErrorMessage"), empty("Topics.Partitions.ErrorMessage")},
	kmsg.UpdateFeatures:               {message, none("Results.ErrorMessage")},
	kmsg.DescribeCluster:              {message, none("Brokers.Rack")},
	kmsg.DescribeProducers:            {none("Topics.Partitions.ErrorMessage")},
	kmsg.ConsumerGroupHeartbeat:       {message, none("MemberID"), none("Assignment")},
	kmsg.ConsumerGroupDescribe: {
		none("Groups.ErrorMessage"), none("Groups.Members.InstanceID"), none("Groups.Members.RackID"),
		empty("Groups.Members.SubscribedTopicRegex"),
	},
	kmsg.DescribeTopicPartitions: {
		none("Topics.Topic"), empty("Topics.Partitions.EligibleLeaderReplicas"), empty("Topics.Partitions.LastKnownELR"), none("NextCursor"),
	},
	kmsg.ShareGroupHeartbeat: {message, none("MemberID"), none("Assignment")},
	kmsg.ShareGroupDescribe:  {none("Groups.ErrorMessage"), none("Groups.Members.RackID")},
	kmsg.ShareFetch: {
		message, none("NodeEndpoints.Rack"), none("Topics.Partitions.ErrorMessage"),
		none("Topics.Partitions.AcknowledgeErrorMessage"), empty("Topics.Partitions.Records"),
	},
	kmsg.ShareAcknowledge:          {message, none("NodeEndpoints.Rack"), none("Topics.Partitions.ErrorMessage")},
	kmsg.DescribeShareGroupOffsets: {none("Groups.ErrorMessage"), none("Groups.Topics.Partitions.ErrorMessage")},
	kmsg.AlterShareGroupOffsets:    {message, none("Topics.Partitions.ErrorMessage")},
	kmsg.DeleteShareGroupOffsets:   {message, none("Topics.ErrorMessage")},
}
