"""proto"""
from __future__ import annotations
import numpy as np
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.reconstruction.iterative import Limits, Live, State, Iterated
from tomojupyter.numerics.reconstruction.tv_fields import make_field


class _Tv(State):
    def start(self, beat):
        pr = self.projector
        ones = np.ones((1, *pr.slice_shape), np.float32)
        a1 = pr.forward(ones)
        wmax = None
        for w, b in zip(self.weights, self.blocks):
            m = np.ones(pr.sinogram_shape, np.float32) if w is None else w[: b.stop - b.start].max(0)
            wmax = m if wmax is None else np.maximum(wmax, m)
        back = pr.back(a1 * wmax[None])
        self.step = 1 / float(back.max())
        self.columns = np.full(pr.slice_shape, self.step, np.float32)
        lims = (-np.inf if self.limits.lowest is None else self.limits.lowest,
                np.inf if self.limits.highest is None else self.limits.highest)
        self.points = [self.projector.slices(b.stop - b.start) for b in self.blocks]
        self.fields = [make_field(v, b.stop - b.start, lims) for v, b in zip(self.points, self.blocks)]
        self.firsts = [None] * len(self.blocks)
        self.news = [None] * len(self.blocks)
        self.sums = [None] * len(self.blocks)
        self.momentum = 0.0

    def before(self, i):
        return self.fields[i - 1].last if i else self.fields[i].none

    def after(self, i):
        return self.firsts[i + 1] if i + 1 < len(self.blocks) else None

    def gradient(self, i):
        w, r = self.weights[i], self.residuals[i]
        if w is not None:
            r *= w
        self.projector.correct(self.points[i], r, self.columns)
        self.first(i)

    def first(self, i):
        self.firsts[i] = self.fields[i].first(self.points[i], self.before(i))

    def ascend(self, i):
        self.news[i] = self.fields[i].ascend(self.points[i], self.before(i), self.after(i), self.bound)

    def descend(self, i):
        self.sums[i] = self.fields[i].descend(self.points[i], self.volumes[i], self.before(i), self.momentum)
        self.project(i)

    def project(self, i):
        self.projector.residual(self.points[i], self.sinograms[i], self.residuals[i])

    def change(self, i): ...


def tv(projector, sinograms, weights=None, *, weight, iterations=100, constrain=True, upper=None,
       inner=1, rule="fista", restart=True, ncores=None, callback=None, warm=None):
    limits = Limits.of(constrain, 0.0, upper, 1.0)
    with Workers(ncores) as wk:
        projector.prepare()
        st = _Tv(projector, sinograms, weights, limits, wk)
        blocks = range(len(st.blocks))
        beat = lambda _: None
        wk.run(st.load, blocks, beat)
        st.start(beat)
        if warm is not None:
            st.points, st.volumes, st.fields = warm
            wk.run(st.project, blocks, beat)
        live = Live(st.blocks, st.volumes)
        t = 1.0; k = 0; last = np.inf
        n = len(projector.tilts_deg)
        st.bound = n * weight * st.step
        hist = []
        for it in range(iterations):
            k += 1
            if rule == "fista":
                tn = (1 + np.sqrt(1 + 4 * t * t)) / 2
                st.momentum = (t - 1) / tn
            elif rule == "none":
                st.momentum = 0.0; tn = 1
            else:
                st.momentum = (k - 1) / (k + rule); tn = t
            wk.run(st.gradient, blocks, beat)
            for j in range(inner):
                if j:
                    wk.run(st.first, blocks, beat)
                wk.run(st.ascend, blocks, beat)
                for f, nw in zip(st.fields, st.news): f.last = nw
            wk.run(st.descend, blocks, beat)
            change, size = np.sum(st.sums, axis=0)
            hist.append(np.sqrt(change / max(size, 1e-30)))
            t = tn
            if restart and change > last and k > 3:
                t = 1.0; k = 0
                last = np.inf
            else:
                last = change
            if callback: callback(it, live, hist)
        out = np.asarray(live)
        return out, hist, (st.points, st.volumes, st.fields)
