package standin

import (
	"encoding/json"
	"slices"
	"strings"
)

// concerns reports whether a fault is about this call.
func (f *liveFault) concerns(c *call) bool {
	return f.covers(c) && (isAny(f.Operation) || f.Operation == c.operation) && f.Kind.fits(c) && f.matchesSubject(c)
}

// covers reports whether the fault is about the call's service and region.
func (f *liveFault) covers(c *call) bool {
	return (isAny(f.Service) || f.Service == c.service) && (f.Region == "" || f.Region == c.region.name)
}

func isAny(field string) bool { return field == "" || field == "*" }

// perItem reports whether the fault strikes single secrets of a batch and not the call: a refusal of the secrets
// that a pattern names, of GetSecretValue, or a value that does not decrypt.
func (f *liveFault) perItem(c *call) bool {
	if c.operation != "BatchGetSecretValue" || (f.Kind != FaultDenied && f.Kind != FaultUndecryptable) || !f.covers(c) {
		return false
	}
	switch f.Operation {
	case "GetSecretValue":
		return true
	case "", "*", c.operation:
		return f.pattern != nil || f.Kind == FaultUndecryptable
	}
	return false
}

// fits reports whether a kind of fault can happen to a call at all.
func (k FaultKind) fits(c *call) bool {
	switch k {
	case FaultUndecryptable:
		return slices.Contains([]string{"GetSecretValue", "Decrypt", "ReEncrypt"}, c.operation)
	case FaultTruncateList:
		return c.goesOn()
	}
	return true
}

// goesOn reports whether the call asks for a further page of a listing.
func (c *call) goesOn() bool {
	var page struct{ NextToken, Marker string }
	return json.Unmarshal(c.body, &page) == nil && (page.NextToken != "" || page.Marker != "")
}

func (f *liveFault) matchesSubject(c *call) bool {
	return f.pattern == nil || slices.ContainsFunc(c.subjects(), f.pattern.MatchString)
}

// subjects are the names by which a pattern may know what the call is about: secrets by name, keys by id and alias,
// roles by ARN, and each as the call itself names it.
func (c *call) subjects() []string {
	var all []string
	for _, name := range c.named() {
		all = append(all, name)
		switch c.service {
		case serviceSecrets:
			if s, err := c.region.secrets.get(name, c.now); err == nil {
				all = append(all, s.Name)
			}
		case serviceKMS:
			all = append(all, c.region.keys.namesOf(name, c)...)
		}
	}
	return all
}

// namesOf returns the id and the aliases of the key that name names.
func (kr *keyring) namesOf(name string, c *call) []string {
	kr.mu.RLock()
	defer kr.mu.RUnlock()
	k, err := kr.find(name, c.now)
	if err != nil {
		return nil
	}
	names := []string{k.ID, kr.keyARN(k.ID)}
	for alias, a := range kr.aliases {
		if a.Target == k.ID {
			names = append(names, alias)
		}
	}
	return names
}

// named reads from the body what the call is about, once.
func (c *call) named() []string {
	if c.names != nil {
		return c.names
	}
	if c.service == serviceSTS {
		c.names = []string{stsRole(c.body)}
		return c.names
	}
	var in struct {
		Name, SecretID, KeyID, SourceKeyID, DestinationKeyID, TargetKeyID, AliasName string
		SecretIDList                                                                 []string
		CiphertextBlob                                                               []byte
	}
	_ = json.Unmarshal(c.body, &in) // a body that is no JSON names nothing
	ids := append(in.SecretIDList, in.Name, in.SecretID, in.KeyID, in.SourceKeyID, in.DestinationKeyID, in.TargetKeyID, in.AliasName)
	if sealed, err := parseBlob(in.CiphertextBlob); err == nil {
		ids = append(ids, sealed.keyID)
	}
	c.names = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	if c.names == nil {
		c.names = []string{}
	}
	return c.names
}

// resource is what a refusal says that the caller may not touch: an ARN where there is one.
func (c *call) resource() string {
	if len(c.named()) == 0 {
		return "*"
	}
	name := c.named()[0]
	switch c.service {
	case serviceSecrets:
		if s, err := c.region.secrets.get(name, c.now); err == nil {
			return s.ARN
		}
	case serviceKMS:
		if k, err := c.region.keys.get(name, c.now); err == nil && !strings.HasPrefix(name, "alias/") {
			return c.region.keys.keyARN(k.ID)
		}
	}
	return name
}
