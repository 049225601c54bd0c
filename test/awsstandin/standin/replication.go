package standin

// Replication is kept as a status only: a replica region shows no copy of the secret.

type replicationStatus struct {
	Region        string
	KmsKeyID      string `json:"KmsKeyId,omitempty"`
	Status        string
	StatusMessage string `json:",omitempty"`
}

// SetReplication makes replicas in a region show a status from now on: "InProgress", "Failed" (with AWS's message), or
// "InSync", as they are at first.
func (s *Server) SetReplication(region, status, message string) {
	s.replication.Store(region, replicationStatus{Status: status, StatusMessage: message})
}

type replicateIn struct {
	SecretID          string `json:"SecretId"`
	AddReplicaRegions []replicaRegion
}

type replicateOut struct {
	ARN               string
	ReplicationStatus []replicationStatus
}

func replicateSecretToRegions(srv *Server, c *call, in *replicateIn) (*replicateOut, error) {
	if err := checkLength("addReplicaRegions", len(in.AddReplicaRegions), 1, 100); err != nil {
		return nil, err
	}
	for _, r := range in.AddReplicaRegions {
		if r.Region == "" || r.Region == c.region.name {
			return nil, refuse("InvalidParameterException", "Invalid replica region.")
		}
	}
	s, err := c.region.secrets.changeLive(in.SecretID, c.now, func(s *secret) (bool, error) {
		s.replicate(in.AddReplicaRegions)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return &replicateOut{ARN: s.ARN, ReplicationStatus: srv.replicationOf(s)}, nil
}

type removeRegionsIn struct {
	SecretID             string `json:"SecretId"`
	RemoveReplicaRegions []string
}

func removeRegionsFromReplication(srv *Server, c *call, in *removeRegionsIn) (*replicateOut, error) {
	if err := checkLength("removeReplicaRegions", len(in.RemoveReplicaRegions), 1, 100); err != nil {
		return nil, err
	}
	s, err := c.region.secrets.changeLive(in.SecretID, c.now, func(s *secret) (bool, error) {
		s.dropReplicas(in.RemoveReplicaRegions)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return &replicateOut{ARN: s.ARN, ReplicationStatus: srv.replicationOf(s)}, nil
}

func (s *secret) replicate(regions []replicaRegion) {
	for _, r := range regions {
		s.setReplica(replica{Region: r.Region, KMSKeyID: r.KmsKeyID})
	}
}

func (s *Server) replicationOf(of *secret) []replicationStatus {
	var statuses []replicationStatus
	for _, r := range of.Replicas {
		status := replicationStatus{Status: "InSync"}
		if set, ok := s.replication.Load(r.Region); ok {
			status = set.(replicationStatus)
		}
		status.Region, status.KmsKeyID = r.Region, r.KMSKeyID
		statuses = append(statuses, status)
	}
	return statuses
}
