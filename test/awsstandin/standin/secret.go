package standin

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"time"
)

// Limits of Secrets Manager.
const (
	maxSecretName    = 512
	maxSecretValue   = 65536
	maxDescription   = 2048
	maxVersions      = 100
	maxStages        = 20
	maxStageName     = 256
	maxTags          = 50
	maxTagKey        = 128
	maxTagValue      = 256
	versionKeptFor   = 24 * time.Hour
	stageCurrent     = "AWSCURRENT"
	stagePrevious    = "AWSPREVIOUS"
	defaultKeyMarker = "DefaultEncryptionKey"
)

var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]+$`)

// secret is one state of a secret. A published one never changes: writers clone it, so that readers and stale
// listings need no lock and no copy.
type secret struct {
	Name        string
	ARN         string
	Description string
	// KMSKeyID is the key as the caller named it; empty for the account's default key.
	KMSKeyID string
	Created  time.Time
	Changed  time.Time
	Accessed time.Time
	// DeletedAt is the end of the recovery window; zero for a live secret.
	DeletedAt time.Time
	// PurgeAt is when the name is free again; zero for a live secret.
	PurgeAt time.Time
	// Forced marks a deletion without recovery.
	Forced bool
	Tags   []tag
	// Versions are oldest first.
	Versions []*version
	// Stages maps a label to the one version that it is attached to.
	Stages   map[string]string
	Replicas []replica
	// Seq is the order of creation within the region.
	Seq uint64
}

// version is one immutable value.
type version struct {
	ID       string
	Text     *string `json:",omitempty"`
	Binary   []byte  `json:",omitempty"`
	Created  time.Time
	Accessed time.Time
	// KeyID is the KMS key that it was encrypted under, resolved when it was written; empty for the default key.
	KeyID string
	// KeyName is that key as the caller named it.
	KeyName string
}

type tag struct{ Key, Value string }

type replica struct {
	Region   string
	KMSKeyID string
}

func (s *secret) deleted() bool { return !s.DeletedAt.IsZero() }

func (s *secret) purged(now time.Time) bool { return s.deleted() && !now.Before(s.PurgeAt) }

func (s *secret) clone() *secret {
	c := *s
	c.Tags = slices.Clone(s.Tags)
	c.Versions = slices.Clone(s.Versions)
	c.Stages = maps.Clone(s.Stages)
	c.Replicas = slices.Clone(s.Replicas)
	return &c
}

func (s *secret) version(id string) *version {
	for _, v := range s.Versions {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// stagesOf returns a version's labels, sorted.
func (s *secret) stagesOf(id string) []string {
	var labels []string
	for label, at := range s.Stages {
		if at == id {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return labels
}

// stagesByVersion is the map that DescribeSecret and ListSecrets show: labelled versions only.
func (s *secret) stagesByVersion() map[string][]string {
	if len(s.Stages) == 0 {
		return nil
	}
	byVersion := make(map[string][]string, len(s.Stages))
	for label, id := range s.Stages {
		byVersion[id] = append(byVersion[id], label)
	}
	for _, labels := range byVersion {
		slices.Sort(labels)
	}
	return byVersion
}

// setTags adds tags, or replaces those with the same key.
func (s *secret) setTags(tags []tag) {
	for _, t := range tags {
		s.dropTags([]string{t.Key})
		s.Tags = append(s.Tags, t)
	}
}

func (s *secret) dropTags(keys []string) {
	s.Tags = slices.DeleteFunc(s.Tags, func(t tag) bool { return slices.Contains(keys, t.Key) })
}

func (s *secret) setReplica(r replica) {
	s.dropReplicas([]string{r.Region})
	s.Replicas = append(s.Replicas, r)
	slices.SortFunc(s.Replicas, func(a, b replica) int { return cmp.Compare(a.Region, b.Region) })
}

func (s *secret) dropReplicas(regions []string) {
	s.Replicas = slices.DeleteFunc(s.Replicas, func(r replica) bool { return slices.Contains(regions, r.Region) })
}

// day is a time as AWS keeps the date of last access: to the day.
func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
