package standin

import (
	"cmp"
	"slices"
)

type listResourceTagsIn struct {
	markerIn
	KeyID string `json:"KeyId"`
}

type listResourceTagsOut struct {
	Tags       []keyTag
	Truncated  bool
	NextMarker string `json:",omitempty"`
}

func listResourceTags(_ *Server, c *call, in *listResourceTagsIn) (*listResourceTagsOut, error) {
	k, err := c.region.keys.get(in.KeyID, c.now)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]keyTag, len(k.Tags))
	names := make([]string, 0, len(k.Tags))
	for _, t := range k.Tags {
		byName[t.TagKey] = t
		names = append(names, t.TagKey)
	}
	slices.Sort(names)
	page, next, err := in.page(names)
	if err != nil {
		return nil, err
	}
	out := &listResourceTagsOut{Tags: make([]keyTag, 0, len(page)), Truncated: next != "", NextMarker: next}
	for _, name := range page {
		out.Tags = append(out.Tags, byName[name])
	}
	return out, nil
}

type tagKeyIn struct {
	KeyID string `json:"KeyId"`
	Tags  []keyTag
}

func tagKey(_ *Server, c *call, in *tagKeyIn) (*none, error) {
	names := make([]string, len(in.Tags))
	for i, t := range in.Tags {
		if err := cmp.Or(checkLength("tags.member.tagKey", len(t.TagKey), 1, maxTagKey), checkLength("tags.member.tagValue", len(t.TagValue), 0, maxTagValue)); err != nil {
			return nil, err
		}
		names[i] = t.TagKey
	}
	return &none{}, c.editKeyTags(in.KeyID, func(tags []keyTag) []keyTag {
		return append(withoutTags(tags, names), in.Tags...)
	})
}

type untagKeyIn struct {
	KeyID   string `json:"KeyId"`
	TagKeys []string
}

func untagKey(_ *Server, c *call, in *untagKeyIn) (*none, error) {
	return &none{}, c.editKeyTags(in.KeyID, func(tags []keyTag) []keyTag { return withoutTags(tags, in.TagKeys) })
}

func (c *call) editKeyTags(id string, edit func([]keyTag) []keyTag) error {
	_, err := c.region.keys.change(id, c.now, func(k *key) error {
		if k.State == statePendingDeletion {
			return c.region.keys.pendingDeletion(*k)
		}
		tags := edit(k.Tags)
		if len(tags) > maxTags {
			return refuse("LimitExceededException", "You can't attach more than %d tags to a key.", maxTags)
		}
		k.Tags = tags
		return nil
	})
	return err
}

// withoutTags returns a new list, since copies of the key may still read the old one.
func withoutTags(tags []keyTag, names []string) []keyTag {
	return slices.DeleteFunc(slices.Clone(tags), func(t keyTag) bool { return slices.Contains(names, t.TagKey) })
}
