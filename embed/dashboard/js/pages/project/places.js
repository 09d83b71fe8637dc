import { useEffect, useMemo, useState } from "preact/hooks";
import { arrange, placeOf, places } from "../../graph/layout.js";

// usePlaces gives each node a place: its own, or one that is found for it where no
// node of the graph has any. It is null until that is done.
export function usePlaces(graph) {
  const [found, setFound] = useState({});
  const wanted = !graph.nodes.some(placeOf) && graph.nodes.map((node) => node.id).join();
  useEffect(() => {
    let gone = false;
    const take = (at) => gone || setFound({ for: wanted, at });
    if (wanted) arrange(graph).then(take, () => take({}));
    return () => (gone = true);
  }, [wanted]);
  return useMemo(() => (wanted && found.for !== wanted ? null : places(graph.nodes, found.at)), [graph.nodes, found, wanted]);
}
