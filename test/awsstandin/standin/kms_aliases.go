package standin

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

var aliasName = regexp.MustCompile(`^[a-zA-Z0-9:/_-]{1,256}$`)

type aliasIn struct {
	AliasName   string
	TargetKeyID string `json:"TargetKeyId"`
}

func checkAlias(name string) error {
	switch {
	case !strings.HasPrefix(name, "alias/") || name == "alias/":
		return refuse("ValidationException", "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
	case !aliasName.MatchString(name):
		return invalid("aliasName", "satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$")
	case strings.HasPrefix(name, managedAliases):
		return refuse("NotAuthorizedException", "")
	}
	return nil
}

func createAlias(_ *Server, c *call, in *aliasIn) (*none, error) {
	kr := c.region.keys
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	return &none{}, c.aliasTarget(in.TargetKeyID, func(k *key) error {
		if _, exists := kr.aliases[in.AliasName]; exists {
			return refuse("AlreadyExistsException", "An alias with the name %s%s already exists", kr.arnPrefix(), in.AliasName)
		}
		kr.pointAlias(in.AliasName, k.ID, c.now)
		return nil
	})
}

func updateAlias(_ *Server, c *call, in *aliasIn) (*none, error) {
	kr := c.region.keys
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	return &none{}, c.aliasTarget(in.TargetKeyID, func(k *key) error {
		if _, exists := kr.aliases[in.AliasName]; !exists {
			return kr.noSuchAlias(in.AliasName)
		}
		kr.pointAlias(in.AliasName, k.ID, c.now)
		return nil
	})
}

// aliasTarget runs edit on the key that an alias is to name: a key's id or ARN, no other alias.
func (c *call) aliasTarget(id string, edit func(*key) error) error {
	if strings.Contains(id, "alias/") {
		return refuse("ValidationException", "Aliases must refer to keys. Not aliases")
	}
	_, err := c.region.keys.change(id, c.now, func(k *key) error {
		if k.State == statePendingDeletion {
			return c.region.keys.pendingDeletion(*k)
		}
		return edit(k)
	})
	return err
}

func deleteAlias(_ *Server, c *call, in *aliasIn) (*none, error) {
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	kr := c.region.keys
	kr.mu.Lock()
	defer kr.mu.Unlock()
	if _, exists := kr.aliases[in.AliasName]; !exists {
		return nil, kr.noSuchAlias(in.AliasName)
	}
	delete(kr.aliases, in.AliasName)
	return &none{}, nil
}

func (kr *keyring) noSuchAlias(name string) *apiError {
	return refuse("NotFoundException", "Alias %s%s is not found.", kr.arnPrefix(), name)
}

type listAliasesIn struct {
	markerIn
	KeyID string `json:"KeyId"`
}

type aliasEntry struct {
	AliasName       string
	AliasArn        string
	TargetKeyID     string `json:"TargetKeyId"`
	CreationDate    epoch
	LastUpdatedDate epoch
}

type listAliasesOut struct {
	Aliases    []aliasEntry
	Truncated  bool
	NextMarker string `json:",omitempty"`
}

func listAliases(_ *Server, c *call, in *listAliasesIn) (*listAliasesOut, error) {
	kr := c.region.keys
	only := ""
	if in.KeyID != "" {
		k, err := kr.get(in.KeyID, c.now)
		if err != nil {
			return nil, err
		}
		only = k.ID
	}
	kr.mu.Lock()
	kr.purge(c.now)
	aliases := maps.Clone(kr.aliases)
	kr.mu.Unlock()
	maps.DeleteFunc(aliases, func(_ string, a alias) bool { return only != "" && a.Target != only })
	page, next, err := in.page(slices.Sorted(maps.Keys(aliases)))
	if err != nil {
		return nil, err
	}
	out := &listAliasesOut{Aliases: make([]aliasEntry, 0, len(page)), Truncated: next != "", NextMarker: next}
	for _, name := range page {
		a := aliases[name]
		out.Aliases = append(out.Aliases, aliasEntry{name, kr.arnPrefix() + name, a.Target, epoch(a.Created), epoch(a.Updated)})
	}
	return out, nil
}
