// useView is the part of a drawing that is seen: the graph fits as long as nobody
// has moved it.
import { useEffect, useRef, useState } from "preact/hooks";
import { frameOf } from "../../graph/layout.js";

const smallest = 0.75; // below it, names cannot be read: the rest is a drag away

export function useView(ref, at, fitted) {
  const [view, setView] = useState({ x: 0, y: 0, width: 640, height: 400 });
  const own = useRef(false); // whether the user has moved it
  const latest = useRef(at);
  latest.current = at;
  const fit = () => {
    own.current = false;
    const box = ref.current?.getBoundingClientRect();
    if (!box?.width) return;
    const frame = frameOf(latest.current);
    const scale = Math.min(1, Math.max(smallest, Math.min(box.width / frame.width, box.height / frame.height)));
    const [width, height] = [box.width / scale, box.height / scale];
    setView({
      x: width > frame.width ? frame.x - (width - frame.width) / 2 : frame.x,
      y: height > frame.height ? frame.y - (height - frame.height) / 2 : frame.y,
      width,
      height,
    });
  };
  useEffect(() => {
    const watch = new ResizeObserver(() => own.current || fit());
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, []);
  const nodes = Object.keys(at).join();
  useEffect(() => {
    if (!own.current) fit();
  }, [nodes]);
  useEffect(fit, [fitted]);
  const scale = () => view.width / ref.current.getBoundingClientRect().width;
  return {
    box: `${view.x} ${view.y} ${view.width} ${view.height}`,
    fit,
    spot: ({ clientX, clientY }) => {
      const box = ref.current.getBoundingClientRect();
      return { x: view.x + (clientX - box.left) * scale(), y: view.y + (clientY - box.top) * scale() };
    },
    pan: (dx, dy) => {
      own.current = true;
      setView({ ...view, x: view.x - dx * scale(), y: view.y - dy * scale() });
    },
    zoom: (by) => {
      own.current = true;
      const [width, height] = [view.width * by, view.height * by];
      setView({ x: view.x + (view.width - width) / 2, y: view.y + (view.height - height) / 2, width, height });
    },
  };
}
