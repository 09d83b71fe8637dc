package deployment

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"axion/services/contract"
)

// keptArtifacts are the successful deployments of a project whose files are kept
// to be put back.
const keptArtifacts = 10

// artifact is what codegen made of a deployment; found tells whether it is kept.
func (s *service) artifact(ctx context.Context, id string) (code contract.GenerateCodeReply, found bool, err error) {
	var content []byte
	err = s.DB.QueryRowContext(ctx, `SELECT content FROM artifacts WHERE deployment_id = ?`, id).Scan(&content)
	if errors.Is(err, sql.ErrNoRows) {
		return code, false, nil
	}
	if err == nil {
		var text *gzip.Reader
		if text, err = gzip.NewReader(bytes.NewReader(content)); err == nil {
			err = json.NewDecoder(text).Decode(&code)
		}
	}
	if err != nil {
		return code, false, fmt.Errorf("read artifact of deployment %s: %w", id, err)
	}
	return code, true, nil
}

// compressors are kept for the next artifact: one takes 800 KB, far more than the files
// of most.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// packed is an artifact as it is stored.
func packed(code contract.GenerateCodeReply) ([]byte, error) {
	w := compressors.Get().(*gzip.Writer)
	defer compressors.Put(w)
	var content bytes.Buffer
	w.Reset(&content)
	if err := errors.Join(json.NewEncoder(w).Encode(code), w.Close()); err != nil {
		return nil, fmt.Errorf("keep artifact: %w", err)
	}
	return content.Bytes(), nil
}

func keepArtifact(ctx context.Context, tx *sql.Tx, d state, content []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO artifacts (deployment_id, project_id, content) VALUES (?, ?, ?)
		ON CONFLICT (deployment_id) DO UPDATE SET content = excluded.content`, d.id, d.projectID, content)
	if err != nil {
		return fmt.Errorf("keep artifact: %w", err)
	}
	return nil
}

// copyArtifact makes one deployment's artifact another's too.
func copyArtifact(ctx context.Context, tx *sql.Tx, from, to string) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO artifacts (deployment_id, project_id, content)
		SELECT ?, project_id, content FROM artifacts WHERE deployment_id = ?`, to, from)
	if err != nil {
		return fmt.Errorf("copy artifact: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return errNoArtifact()
	}
	return err
}

// pruneArtifacts drops those of a project that nobody can put back any more.
func pruneArtifacts(ctx context.Context, tx *sql.Tx, projectID string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM artifacts WHERE project_id = ?1 AND deployment_id NOT IN (
		SELECT id FROM deployments WHERE project_id = ?1 AND status IN ('PENDING', 'STARTED')) AND deployment_id NOT IN (
		SELECT id FROM deployments WHERE project_id = ?1 AND status = 'SUCCEEDED' ORDER BY queued DESC LIMIT ?2)`, projectID, keptArtifacts)
	if err != nil {
		return fmt.Errorf("prune artifacts: %w", err)
	}
	return nil
}
