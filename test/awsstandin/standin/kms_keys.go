package standin

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

type keyIn struct {
	KeyID string `json:"KeyId"`
}

type keyOut struct {
	KeyID string `json:"KeyId"`
}

type createKeyIn struct {
	Description           string
	KeyUsage              string
	KeySpec               string
	CustomerMasterKeySpec string
	Origin                string
	MultiRegion           bool
	Tags                  []keyTag
}

type keyMetadataOut struct{ KeyMetadata keyMetadata }

func createKey(_ *Server, c *call, in *createKeyIn) (*keyMetadataOut, error) {
	for _, asked := range []struct{ got, only string }{
		{cmp.Or(in.KeySpec, in.CustomerMasterKeySpec), "SYMMETRIC_DEFAULT"},
		{in.KeyUsage, "ENCRYPT_DECRYPT"},
		{in.Origin, originKMS},
	} {
		if asked.got != "" && asked.got != asked.only {
			return nil, refuse("UnsupportedOperationException", "the stand-in makes only keys of %s", asked.only)
		}
	}
	k := c.region.keys.create(keySpec{description: in.Description, multiRegion: in.MultiRegion, tags: in.Tags}, c.now)
	return &keyMetadataOut{describe(c.region.keys, k)}, nil
}

type keyMetadata struct {
	AWSAccountID                string `json:"AWSAccountId"`
	KeyID                       string `json:"KeyId"`
	Arn                         string
	CreationDate                epoch
	Enabled                     bool
	Description                 string
	KeyUsage                    string
	KeyState                    string
	DeletionDate                epoch `json:",omitzero"`
	PendingDeletionWindowInDays int   `json:",omitempty"`
	Origin                      string
	KeyManager                  string
	CustomerMasterKeySpec       string
	KeySpec                     string
	EncryptionAlgorithms        []string
	MultiRegion                 bool
	MultiRegionConfiguration    *multiRegionConfiguration `json:",omitempty"`
	CurrentKeyMaterialID        string                    `json:"CurrentKeyMaterialId"`
}

type multiRegionConfiguration struct {
	MultiRegionKeyType string
	PrimaryKey         multiRegionKey
	ReplicaKeys        []multiRegionKey
}

type multiRegionKey struct {
	Arn    string
	Region string
}

func describe(kr *keyring, k key) keyMetadata {
	manager := "CUSTOMER"
	if k.Managed {
		manager = "AWS"
	}
	return keyMetadata{
		AWSAccountID: kr.where.account, KeyID: k.ID, Arn: kr.keyARN(k.ID), CreationDate: epoch(k.Created),
		Enabled: k.State == stateEnabled, Description: k.Description, KeyUsage: "ENCRYPT_DECRYPT", KeyState: k.State,
		DeletionDate: epoch(k.DeleteAt), PendingDeletionWindowInDays: k.Window,
		Origin: cmp.Or(k.Origin, originKMS), KeyManager: manager, CustomerMasterKeySpec: symmetric, KeySpec: symmetric,
		EncryptionAlgorithms: []string{symmetric}, MultiRegion: k.MultiRegion,
		MultiRegionConfiguration: describeRegions(kr.where, k), CurrentKeyMaterialID: k.material.currentID(),
	}
}

func describeKey(_ *Server, c *call, in *keyIn) (*keyMetadataOut, error) {
	k, err := c.region.keys.get(in.KeyID, c.now)
	if err != nil {
		return nil, err
	}
	return &keyMetadataOut{describe(c.region.keys, k)}, nil
}

func enableKey(_ *Server, c *call, in *keyIn) (*none, error) {
	return &none{}, c.setKeyState(in.KeyID, stateEnabled)
}

func disableKey(_ *Server, c *call, in *keyIn) (*none, error) {
	return &none{}, c.setKeyState(in.KeyID, stateDisabled)
}

// checkManageable says why a key's state cannot be changed.
func (kr *keyring) checkManageable(k key) error {
	switch {
	case k.State == statePendingDeletion:
		return kr.pendingDeletion(k)
	case k.Managed:
		return refuse("UnsupportedOperationException", "%s is managed by AWS.", kr.keyARN(k.ID))
	}
	return nil
}

func (c *call) setKeyState(id, state string) error {
	_, err := c.region.keys.change(id, c.now, func(k *key) error {
		if err := c.region.keys.checkManageable(*k); err != nil {
			return err
		}
		k.State = state
		return nil
	})
	return err
}

type scheduleKeyDeletionIn struct {
	KeyID               string `json:"KeyId"`
	PendingWindowInDays *int
}

type scheduleKeyDeletionOut struct {
	KeyID               string `json:"KeyId"`
	DeletionDate        epoch
	KeyState            string
	PendingWindowInDays int
}

func scheduleKeyDeletion(_ *Server, c *call, in *scheduleKeyDeletionIn) (*scheduleKeyDeletionOut, error) {
	if err := checkRange("pendingWindowInDays", in.PendingWindowInDays, minWindow, maxWindow); err != nil {
		return nil, err
	}
	window := defaultWindow
	if in.PendingWindowInDays != nil {
		window = *in.PendingWindowInDays
	}
	k, err := c.region.keys.change(in.KeyID, c.now, func(k *key) error {
		if err := c.region.keys.checkManageable(*k); err != nil {
			return err
		}
		k.State, k.Window = statePendingDeletion, window
		k.DeleteAt = c.now.Add(time.Duration(window) * 24 * time.Hour)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &scheduleKeyDeletionOut{c.region.keys.keyARN(k.ID), epoch(k.DeleteAt), k.State, k.Window}, nil
}

// cancelKeyDeletion leaves the key disabled, as AWS does.
func cancelKeyDeletion(_ *Server, c *call, in *keyIn) (*keyOut, error) {
	k, err := c.region.keys.change(in.KeyID, c.now, func(k *key) error {
		if k.State != statePendingDeletion {
			return refuse("KMSInvalidStateException", "%s is not pending deletion.", c.region.keys.keyARN(k.ID))
		}
		k.State, k.Window, k.DeleteAt = stateDisabled, 0, time.Time{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &keyOut{c.region.keys.keyARN(k.ID)}, nil
}

type markerIn struct {
	Limit  *int
	Marker string
}

type keyEntry struct {
	KeyID  string `json:"KeyId"`
	KeyArn string
}

type listKeysOut struct {
	Keys       []keyEntry
	Truncated  bool
	NextMarker string `json:",omitempty"`
}

func listKeys(_ *Server, c *call, in *markerIn) (*listKeysOut, error) {
	kr := c.region.keys
	kr.mu.Lock()
	kr.purge(c.now)
	ids := slices.Sorted(maps.Keys(kr.keys))
	kr.mu.Unlock()
	page, next, err := in.page(ids)
	if err != nil {
		return nil, err
	}
	out := &listKeysOut{Keys: make([]keyEntry, 0, len(page)), Truncated: next != "", NextMarker: next}
	for _, id := range page {
		out.Keys = append(out.Keys, keyEntry{id, kr.keyARN(id)})
	}
	return out, nil
}

const maxMarkerResults = 1000

// page cuts a page out of sorted names; next is the marker of the page after it, empty at the end.
func (in *markerIn) page(sorted []string) (page []string, next string, err error) {
	limit := 100
	if err := checkRange("limit", in.Limit, 1, maxMarkerResults); err != nil {
		return nil, "", err
	}
	if in.Limit != nil {
		limit = *in.Limit
	}
	from, found := slices.BinarySearch(sorted, in.Marker)
	if found {
		from++
	}
	to := min(from+limit, len(sorted))
	if to < len(sorted) {
		next = sorted[to-1]
	}
	return sorted[from:to], next, nil
}
