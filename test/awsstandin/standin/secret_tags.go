package standin

import "strings"

func checkTags(tags []tag) error {
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		if err := checkLength("tags.member.key", len(t.Key), 1, maxTagKey); err != nil {
			return err
		}
		if err := checkLength("tags.member.value", len(t.Value), 0, maxTagValue); err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return refuse("InvalidParameterException", "You can't use the prefix aws: in a tag key.")
		case seen[t.Key]:
			return refuse("InvalidParameterException", "You can't use the same tag key twice.")
		}
		seen[t.Key] = true
	}
	return nil
}

type tagSecretIn struct {
	SecretID string `json:"SecretId"`
	Tags     []tag
}

func tagSecret(_ *Server, c *call, in *tagSecretIn) (*none, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	_, err := c.region.secrets.changeLive(in.SecretID, c.now, func(s *secret) (bool, error) {
		s.setTags(in.Tags)
		if len(s.Tags) > maxTags {
			return false, refuse("InvalidParameterException", "You can't add more than %d tags to a secret.", maxTags)
		}
		return true, nil
	})
	return &none{}, err
}

type untagSecretIn struct {
	SecretID string `json:"SecretId"`
	TagKeys  []string
}

func untagSecret(_ *Server, c *call, in *untagSecretIn) (*none, error) {
	_, err := c.region.secrets.changeLive(in.SecretID, c.now, func(s *secret) (bool, error) {
		s.dropTags(in.TagKeys)
		return true, nil
	})
	return &none{}, err
}
