// timeline turns a project, its deployments and the events about them into
// runs: one a deployment, newest first, each with its steps in order.
// It is plain data in, plain data out.

const over = { SUCCEEDED: true, FAILED: true, CANCELLED: true };

// runsOf gives [{id, status, url, error, began, ended, steps}]. A project whose
// deployment has not been heard of has one run, without an id.
export function runsOf(project, deployments, events) {
  const ids = new Set(deployments.map((d) => d.id));
  for (const event of events) if (event.deploymentId && event.type.startsWith("DEPLOYMENT_")) ids.add(event.deploymentId);
  const runs = [...ids].map((id) => {
    const deployment = deployments.find((d) => d.id === id);
    return run(id, deployment, events.filter((e) => e.deploymentId === id));
  });
  runs.sort((a, b) => Date.parse(a.began) - Date.parse(b.began));
  if (!runs.length) runs.push(run("", null, []));
  // The first deployment begins where the project does.
  runs[0] = withSteps(runs[0], project.createdAt, "Project created", "POST /api/projects", "PROJECT_CREATED", events);
  for (let i = 1; i < runs.length; i++) {
    runs[i] = withSteps(runs[i], runs[i].began, "Deployment requested", "POST …/deployments", "DEPLOYMENT_REQUESTED", events);
  }
  return runs.reverse();
}

function run(id, deployment, events) {
  const find = (type, step) => events.find((e) => e.type === type && (!step || e.data?.step === step));
  const succeeded = find("DEPLOYMENT_SUCCEEDED");
  const failed = find("DEPLOYMENT_FAILED");
  const cancelled = find("DEPLOYMENT_CANCELLED");
  let status = deployment?.status ?? "PENDING";
  if (!over[status] && events.length) status = "STARTED";
  if (succeeded) status = "SUCCEEDED";
  if (failed) status = "FAILED";
  if (cancelled) status = "CANCELLED";
  return {
    id,
    status,
    find,
    url: succeeded?.data?.url || deployment?.url || "",
    error: failed?.data?.error || deployment?.error || "",
    began: deployment?.createdAt ?? events[0]?.at ?? "",
    ended: (succeeded ?? failed ?? cancelled)?.at ?? (over[status] ? deployment?.updatedAt : ""),
  };
}

function withSteps({ find, ...run }, began, title, request, announcement, events) {
  const announced = events.find((e) => e.type === announcement && (!e.deploymentId || e.deploymentId === run.id));
  const ends = {
    SUCCEEDED: ["Deployed", "DEPLOYMENT_SUCCEEDED"],
    FAILED: ["Failed", "DEPLOYMENT_FAILED"],
    CANCELLED: ["Cancelled", "DEPLOYMENT_CANCELLED"],
  };
  const [endTitle, endType] = ends[run.status] ?? ends.SUCCEEDED;
  const steps = [
    { title, what: request, hop: "http", at: began },
    { title: "Announced", what: announcement, hop: "kafka", at: announced?.at },
    { title: "Deployment started", what: "DEPLOYMENT_STARTED", hop: "kafka", at: find("DEPLOYMENT_STARTED")?.at },
    { title: "Code generated", failing: "Code not generated", name: "codegen", what: "DEPLOYMENT_PROGRESS", hop: "kafka", at: find("DEPLOYMENT_PROGRESS", "codegen")?.at },
    { title: "Provisioned", failing: "Not provisioned", name: "provision", what: "DEPLOYMENT_PROGRESS", hop: "kafka", at: find("DEPLOYMENT_PROGRESS", "provision")?.at },
    { title: endTitle, what: endType, hop: "kafka", at: run.ended },
  ];
  return { ...run, began, steps: withStates(steps, run.status, run.error) };
}

// withStates marks each step done, active, waiting, skipped or failed. What
// came before a step that was reached was reached too, heard of or not. The
// step that failed carries the reason, and leaves the last one only to say so.
function withStates(steps, status, error) {
  const end = steps.length - 1;
  let reached = steps.findLastIndex((step, i) => step.at && i < end);
  if (status === "STARTED") reached = Math.max(reached, 2);
  if (status === "SUCCEEDED") reached = end;
  const broken = status === "FAILED" ? brokenStep(steps, reached, error) : -1;
  if (broken > 0) reached = broken - 1;
  return steps.map((step, i) => {
    if (i === broken) return { ...step, title: step.failing, state: "failed", reason: reasonOf(step, error) };
    if (i <= reached) return { ...step, state: "done" };
    if (status === "FAILED" || status === "CANCELLED") return { ...step, state: i === end ? "failed" : "skipped" };
    return { ...step, state: i === reached + 1 ? "active" : "waiting" };
  });
}

// brokenStep finds the step that failed: the one that the reason begins with,
// else the one after those that were heard of. It is -1 where neither tells.
function brokenStep(steps, reached, error) {
  const named = steps.findIndex((step) => step.name && error.startsWith(step.name + ":"));
  if (named >= 0) return named;
  return error && steps[reached + 1]?.name ? reached + 1 : -1;
}

const reasonOf = (step, error) => (error.startsWith(step.name + ":") ? error.slice(step.name.length + 1).trim() : error);
