package recovery

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// stateFiles are those of the whole broker, each with its shape and with what is
// lost without it.
var stateFiles = []struct {
	name  string
	shape func() any
	lost  string
}{
	{
		"broker_configs.json",
		func() any { return new(struct{ Configs map[string]string }) },
		"settings of the broker that were changed are at their defaults",
	},
	{"acls.json", func() any { return new(aclsShape) }, "access rules are gone"},
	{"sasl.json", func() any { return new(saslShape) }, "users are gone"},
	{"quotas.json", func() any { return new(quotasShape) }, "client quotas are gone"},
	{
		settingsName,
		func() any { return new(resourceConfigs) },
		"settings of groups and of subscriptions to client metrics are gone",
	},
	{"seq_windows.json", func() any { return new(windowsFile) }, "it is made anew from the records"},
}

// The types of the fields of kfake's files that are not read here.
type (
	aclsShape struct {
		ACLs []struct {
			Principal, Host string
			ResourceType    int8   `json:"resource_type"`
			ResourceName    string `json:"resource_name"`
			Pattern         int8
			Operation       int8
			Permission      int8
		}
	}
	saslShape struct {
		Plain              map[string]string
		Scram256, Scram512 map[string]struct {
			Mechanism  string
			Salt       []byte
			SaltedPass []byte `json:"salted_pass"`
			Iterations int
		}
	}
	quotasShape struct {
		Quotas []struct {
			Entity []struct {
				Type string
				Name *string
			}
			Values map[string]float64
		}
	}
)

// checkFiles looks at the files of the whole broker. A damaged one is put aside:
// it costs what it holds, and nothing else. A missing meta.json would have kfake
// (v0.0.0-20260918) write an empty state over all others.
func (r *recoverer) checkFiles() error {
	if err := r.checkDirs(); err != nil {
		return err
	}
	for _, f := range stateFiles {
		if _, err := r.readJSON(f.name, f.shape(), f.lost); err != nil {
			return err
		}
	}
	for _, log := range []string{"groups.log", "pids.log"} {
		if err := r.checkLog(log); err != nil {
			return err
		}
	}
	return r.checkTopics()
}

// checkTopics reads which topics there are, and makes those anew that only their records
// are left of.
func (r *recoverer) checkTopics() error {
	var meta metaFile
	found, err := r.readJSON("meta.json", &meta, "it is made anew")
	if err != nil {
		return err
	}
	var topics topicsFile
	foundTopics, err := r.readJSON(
		"topics.json",
		&topics,
		"topics are made anew from their records, with default settings where no others are known",
	)
	if err != nil {
		return err
	}
	r.topics = topics.Topics
	dirs, err := r.partitionDirs()
	if err != nil {
		return err
	}
	if !found && !foundTopics && len(dirs) == 0 {
		r.report.Fresh = true
		return nil
	}
	if !found {
		if err := writeJSON(r.path("meta.json"), metaFile{Version: formatVersion, ClusterID: clusterID}); err != nil {
			return err
		}
	}
	if err := r.dropTopics(); err != nil {
		return err
	}
	for _, name := range r.dropped {
		delete(dirs, name)
	}
	for _, t := range r.topics {
		if dirs[t.Name] <= t.Partitions {
			delete(dirs, t.Name)
		}
	}
	if foundTopics && len(dirs) == 0 {
		return nil
	}
	return r.makeTopics(dirs, foundTopics)
}

// dropTransactions takes the transactions out of kfake's file of its clean stop,
// which a kill during the stop leaves: they are ended here.
func (d *directory) dropTransactions() error {
	const name = sessionName
	data, err := content(d.path(name))
	if errors.Is(err, errNotFile) {
		return d.aside(name, err.Error()+": members of groups join anew")
	}
	if err != nil || data == nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return d.aside(name, "cannot be read ("+err.Error()+"): members of groups join anew")
	}
	if _, ok := all["inProgressTxns"]; !ok {
		return nil
	}
	delete(all, "inProgressTxns")
	return writeJSON(d.path(name), all)
}

// clusterID is that of the embedded broker.
const clusterID = "axion"

// makeTopics lists the topics that have directories, with what the last
// checkpoint knows of them. In a topic that is not listed, kfake would mix its
// records with new ones.
func (r *recoverer) makeTopics(dirs map[string]int, found bool) error {
	known := make(map[string]topicInfo)
	if r.known != nil {
		for _, t := range r.known.Topics {
			known[t.Name] = t
			if _, ok := dirs[t.Name]; !found && !ok {
				dirs[t.Name] = t.Partitions
			}
		}
	}
	for i, t := range r.topics {
		r.topics[i].Partitions = max(t.Partitions, dirs[t.Name])
		delete(dirs, t.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		t, ok := known[name]
		if !ok {
			var id [16]byte
			if _, err := rand.Read(id[:]); err != nil {
				return err
			}
			t = topicInfo{Name: name, ID: base64.StdEncoding.EncodeToString(id[:]), Replicas: 1}
		}
		t.Partitions = max(t.Partitions, dirs[name])
		r.topics = append(r.topics, t)
		if found {
			r.report.Damage = append(
				r.report.Damage,
				Damage{Path: r.path("topics.json"), What: "does not list topic " + name + ", which has records: it is listed again"},
			)
		}
	}
	return writeJSON(r.path("topics.json"), topicsFile{Version: formatVersion, Topics: r.topics})
}
