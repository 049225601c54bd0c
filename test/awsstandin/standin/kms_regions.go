package standin

import "slices"

// replica reports whether the key is a multi-Region key whose primary is in another region.
func (k key) replica() bool {
	k.material.mu.RLock()
	defer k.material.mu.RUnlock()
	return k.MultiRegion && len(k.material.Regions) > 0 && k.material.Regions[0] != k.Region
}

func describeRegions(where regionKey, k key) *multiRegionConfiguration {
	if !k.MultiRegion {
		return nil
	}
	k.material.mu.RLock()
	regions := slices.Clone(k.material.Regions)
	k.material.mu.RUnlock()
	out := &multiRegionConfiguration{MultiRegionKeyType: "PRIMARY", ReplicaKeys: []multiRegionKey{}}
	for i, region := range regions {
		at := multiRegionKey{Region: region, Arn: "arn:aws:kms:" + region + ":" + where.account + ":key/" + k.ID}
		if i == 0 {
			out.PrimaryKey = at
			continue
		}
		out.ReplicaKeys = append(out.ReplicaKeys, at)
	}
	if out.PrimaryKey.Region != k.Region {
		out.MultiRegionKeyType = "REPLICA"
	}
	return out
}

type replicateKeyIn struct {
	KeyID         string `json:"KeyId"`
	ReplicaRegion string
	Description   string
	Tags          []keyTag
}

type replicateKeyOut struct {
	ReplicaKeyMetadata keyMetadata
	ReplicaTags        []keyTag `json:",omitempty"`
}

func replicateKey(s *Server, c *call, in *replicateKeyIn) (*replicateKeyOut, error) {
	if err := checkLength("replicaRegion", len(in.ReplicaRegion), 1, 32); err != nil {
		return nil, err
	}
	primary, err := c.usableKey(in.KeyID)
	if err != nil {
		return nil, err
	}
	if !primary.MultiRegion || primary.replica() {
		return nil, refuse("UnsupportedOperationException", "%s is not a multi-Region primary key.", c.region.keys.keyARN(primary.ID))
	}
	there := s.region(c.region.account, in.ReplicaRegion).keys
	copied := primary
	copied.Region, copied.Description, copied.Tags, copied.Created = in.ReplicaRegion, in.Description, in.Tags, c.now
	if !there.adopt(copied) {
		return nil, refuse("AlreadyExistsException", "%s already exists.", there.keyARN(primary.ID))
	}
	return &replicateKeyOut{describe(there, copied), copied.Tags}, nil
}

// adopt adds a replica, unless the region has the key already.
func (kr *keyring) adopt(k key) bool {
	kr.mu.Lock()
	defer kr.mu.Unlock()
	if kr.keys[k.ID] != nil {
		return false
	}
	kr.keys[k.ID] = &k
	k.material.mu.Lock()
	defer k.material.mu.Unlock()
	k.material.Regions = append(k.material.Regions, k.Region)
	return true
}
