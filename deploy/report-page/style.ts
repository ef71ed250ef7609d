/** The page's one style sheet. Colours keep apart for the colour-blind; lines differ by dashes too. */
export const STYLE = `
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1b2530;--dim:#5d6b7a;--edge:#dde3ea;
--healthy:#2a9d72;--probation:#e0a100;--drifted:#d46a1f;--failing:#c2314b;--silent:#7a8794;--offline:#c3ccd5;
--s0:#2369bd;--s1:#d46a1f;--s2:#2a9d72;--s3:#a2478f;--s4:#8a6d00;--s5:#4f5b93}
@media(prefers-color-scheme:dark){:root{--page:#12171d;--card:#1a2129;--text:#e4eaf0;--dim:#98a6b5;--edge:#2e3945;
--healthy:#3fbf8f;--probation:#f0bb33;--drifted:#f08a45;--failing:#ee5f78;--silent:#8593a1;--offline:#46525f;
--s0:#6aaaf2;--s1:#f08a45;--s2:#3fbf8f;--s3:#d58bc6;--s4:#d9b93b;--s5:#9aa6e0}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 48px}
h1{font-size:26px;line-height:1.2;margin:0}h2{font-size:16px;margin:0 0 12px}
header p{margin:6px 0 0;color:var(--dim)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0}
.tile,section{background:var(--card);border:1px solid var(--edge);border-radius:10px}
.tile{padding:12px 16px}.tile b{display:block;font-size:26px;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{color:var(--dim);font-size:13px}
.tile.bad b{color:var(--failing)}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px}
section{padding:16px 18px;min-width:0}section.wide{grid-column:1/-1}
figure{margin:0}figcaption{color:var(--dim);font-size:13px;margin-bottom:4px}
figure+figure,figure+table,table+figure{margin-top:16px}
svg{display:block;width:100%;height:auto}svg.stack{height:28px;border-radius:6px}
.grid{stroke:var(--edge);stroke-width:1}.tick{fill:var(--dim);font-size:11px}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.s0{stroke:var(--s0)}.s1{stroke:var(--s1);stroke-dasharray:7 3}.s2{stroke:var(--s2);stroke-dasharray:2 3}
.s3{stroke:var(--s3);stroke-dasharray:10 3 2 3}.s4{stroke:var(--s4);stroke-dasharray:4 4}.s5{stroke:var(--s5);stroke-dasharray:1 4}
.dot{stroke-width:1;stroke-dasharray:none;fill:var(--card)}
.k-healthy{fill:var(--healthy);background:var(--healthy)}.k-probation{fill:var(--probation);background:var(--probation)}
.k-drifted{fill:var(--drifted);background:var(--drifted)}.k-failing{fill:var(--failing);background:var(--failing)}
.k-silent{fill:var(--silent);background:var(--silent)}.k-offline{fill:var(--offline);background:var(--offline)}
.k-value{fill:var(--s0);background:var(--s0)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:10px 0 0;padding:0;font-size:13px}
.legend li{display:flex;align-items:center;gap:6px}.swatch{width:10px;height:10px;border-radius:3px}
.key{width:24px;height:8px}.dim{color:var(--dim)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid var(--edge);vertical-align:top}
tr:last-child>*{border-bottom:0}thead th{color:var(--dim);font-weight:500;font-size:13px}
th[scope=row]{font-weight:500}td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;padding-right:0;padding-left:14px}
table.bars th{width:1%;white-space:nowrap}table.bars td.number{width:1%;white-space:nowrap}
table.bars svg{height:14px;border-radius:4px;margin-top:4px}
.empty{color:var(--dim);margin:0}code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
footer{color:var(--dim);font-size:13px;margin-top:24px}
`;
