package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// groupPlace is what a commit is for.
type groupPlace struct {
	group string
	place
}

// mark is the newest commit that was acknowledged, or read.
type mark struct {
	offset int64
	how    string
	absent int // answers in a row that did not have it
}

// commits follows the commits of all groups: none goes back.
type commits struct {
	r *report

	mu    sync.Mutex
	marks map[groupPlace]mark
	n     atomic.Int64
}

func newCommits(r *report) *commits { return &commits{r: r, marks: make(map[groupPlace]mark)} }

// raise notes a commit.
func (c *commits) raise(group string, p place, offset int64, how string) {
	key := groupPlace{group, p}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.Add(1)
	if old, ok := c.marks[key]; !ok || offset > old.offset || old.absent > 0 && offset == old.offset {
		c.marks[key] = mark{offset: offset, how: fmt.Sprintf("%s at %s", how, time.Now().Format("15:04:05.000"))}
	}
}

// idPlace is a partition as a commit's answer names it: by name, or by id.
type idPlace struct {
	name      string
	id        [16]byte
	partition int32
}

// answered notes what a member's commit was answered. One that commits less than was
// acknowledged before takes the group back.
func (c *commits) answered(who string, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse) {
	refused := make(map[idPlace]bool)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			refused[idPlace{t.Topic, t.TopicID, p.Partition}] = p.ErrorCode != 0
		}
	}
	how := fmt.Sprintf("acknowledged to %s (%.8s, generation %d)", who, req.MemberID, req.Generation)
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			byID, idThere := refused[idPlace{id: t.TopicID, partition: p.Partition}] // from version 10 on
			byName, nameThere := refused[idPlace{name: t.Topic, partition: p.Partition}]
			if idThere && !byID || nameThere && !byName {
				c.raise(req.Group, place{t.Topic, p.Partition}, p.Offset, how)
			}
		}
	}
}

// watch reads the commits of all groups until ctx ends.
func (c *commits) watch(ctx context.Context, addr string) {
	cl, err := connect(addr)
	if err != nil {
		c.r.add(broken, "observer: %v", err)
		return
	}
	defer cl.Close()
	for adm := kadm.NewClient(cl); pause(ctx, 40*time.Millisecond); {
		for _, group := range []string{readGroup, modernGroup, copyGroup, simpleGroup} {
			c.look(ctx, adm, group)
		}
	}
}

// look compares a group's commits with those before.
func (c *commits) look(ctx context.Context, adm *kadm.Client, group string) {
	c.mu.Lock()
	before := maps.Clone(c.marks)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := adm.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return // the broker is not there
	}
	for key, old := range before {
		if key.group != group {
			continue
		}
		now, ok := found.Lookup(key.topic, key.partition)
		switch {
		case ok && now.Err != nil:
		case !ok && old.absent == 0:
			// The client gives an empty answer without an error where the broker goes
			// while it asks, as seen on Apache Kafka. A second one counts.
			c.miss(key)
		case !ok:
			c.r.add(back, "group %s, %s: none, after %d (%s)", group, key.place, old.offset, old.how)
			c.forget(key)
		case now.At < old.offset:
			c.r.add(back, "group %s, %s: %d after %d (%s)", group, key.place, now.At, old.offset, old.how)
			c.forget(key)
		}
	}
	found.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil {
			c.raise(group, place{o.Topic, o.Partition}, o.At, "read")
		}
	})
}

// miss notes that an answer did not have a commit.
func (c *commits) miss(key groupPlace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, ok := c.marks[key]; ok {
		m.absent++
		c.marks[key] = m
	}
}

// forget has each step back reported once.
func (c *commits) forget(key groupPlace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.marks, key)
}

// increase commits one more offset again and again, by a group without members.
func (c *commits) increase(ctx context.Context, addr string) {
	cl, err := connect(addr)
	if err != nil {
		c.r.add(broken, "committer: %v", err)
		return
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	for n := int64(1); pause(ctx, 3*time.Millisecond); n++ {
		p := place{plainTopic, int32(n % partitions)}
		offsets := make(kadm.Offsets)
		offsets.AddOffset(p.topic, p.partition, n, -1)
		if err := adm.CommitAllOffsets(ctx, simpleGroup, offsets); err == nil {
			c.raise(simpleGroup, p, n, "acknowledged")
		}
	}
}
