package standin

import "time"

// The days that a deletion can wait, of secrets and of KMS keys alike.
const (
	minWindow     = 7
	defaultWindow = 30
	maxWindow     = 30
)

type deleteSecretIn struct {
	SecretID                   string `json:"SecretId"`
	RecoveryWindowInDays       *int
	ForceDeleteWithoutRecovery bool
}

type deleteSecretOut struct {
	ARN          string
	Name         string
	DeletionDate epoch
}

func deleteSecret(srv *Server, c *call, in *deleteSecretIn) (*deleteSecretOut, error) {
	window := defaultWindow
	if in.RecoveryWindowInDays != nil {
		window = *in.RecoveryWindowInDays
	}
	switch {
	case in.ForceDeleteWithoutRecovery && in.RecoveryWindowInDays != nil:
		return nil, refuse("InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case window < minWindow || window > maxWindow:
		return nil, refuse("InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	st := c.region.secrets
	s, err := st.change(in.SecretID, c.now, func(s *secret) (bool, error) {
		if len(s.Replicas) > 0 {
			return false, refuse("InvalidRequestException", "You can't delete secret %s that still has replica regions.", s.Name)
		}
		if in.ForceDeleteWithoutRecovery {
			s.Forced, s.DeletedAt, s.PurgeAt = true, c.now, c.now.Add(srv.opts.ForceDeleteDelay)
			return true, nil
		}
		if err := checkLive(s); err != nil {
			return false, err
		}
		s.DeletedAt = c.now.Add(time.Duration(window) * 24 * time.Hour)
		s.PurgeAt = s.DeletedAt
		return true, nil
	})
	if isNotFound(err) && in.ForceDeleteWithoutRecovery {
		// AWS answers the forced deletion of what is not there like any other, with an ARN made up for it.
		return &deleteSecretOut{ARN: st.newARN(in.SecretID), Name: in.SecretID, DeletionDate: epoch(c.now)}, nil
	}
	if err != nil {
		return nil, err
	}
	return &deleteSecretOut{ARN: s.ARN, Name: s.Name, DeletionDate: epoch(s.DeletedAt)}, nil
}

func restoreSecret(_ *Server, c *call, in *secretIn) (*secretOut, error) {
	s, err := c.region.secrets.change(in.SecretID, c.now, func(s *secret) (bool, error) {
		if s.Forced {
			return false, refuse("InvalidRequestException", "You can't restore a secret that was deleted without recovery.")
		}
		wasDeleted := s.deleted()
		s.DeletedAt, s.PurgeAt = time.Time{}, time.Time{}
		return wasDeleted, nil
	})
	if err != nil {
		return nil, err
	}
	return &secretOut{ARN: s.ARN, Name: s.Name}, nil
}
