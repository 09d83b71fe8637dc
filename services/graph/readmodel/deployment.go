package readmodel

import "time"

// Deployment is what the API answers with.
type Deployment struct {
	ID        string    `json:"id" format:"uuid"`
	ProjectID string    `json:"projectId" format:"uuid"`
	Status    string    `json:"status" enum:"PENDING,STARTED,SUCCEEDED,FAILED,CANCELLED"`
	URL       string    `json:"url" doc:"Where the site answers; empty until it does."`
	Error     string    `json:"error" doc:"Why it failed; empty unless it did."`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

func scanDeployment(row interface{ Scan(...any) error }) (d Deployment, err error) {
	var created, updated string
	if err = row.Scan(&d.ID, &d.ProjectID, &d.Status, &d.URL, &d.Error, &created, &updated); err != nil {
		return d, err
	}
	if d.CreatedAt, err = time.Parse(time.RFC3339Nano, created); err != nil {
		return d, err
	}
	d.UpdatedAt, err = time.Parse(time.RFC3339Nano, updated)
	return d, err
}
