//! Models of the kernel's structures, each with a bug that the kernel had. The number in a function's name is the
//! row of the catalogue. Without its bug no checker reports anything about a model.

mod clients;
mod contexts;
mod pools;
mod ports;
mod queues;
mod timers;

use crate::explore::Model;

/// All models, by row.
pub const MODELS: &[(u32, Model)] = &[
    (1, contexts::k1),
    (2, queues::k2),
    (3, queues::k3),
    (4, pools::k4),
    (5, pools::k5),
    (6, clients::k6),
    (7, queues::k7),
    (11, queues::k11),
    (12, ports::k12),
    (14, clients::k14),
    (15, pools::k15),
    (17, pools::k17),
    (18, pools::k18),
    (20, pools::k20),
    (21, clients::k21),
    (22, queues::k22),
    (23, ports::k23),
    (24, ports::k24),
    (25, ports::k25),
    (26, queues::k26),
    (28, queues::k28),
    (29, clients::k29),
    (30, pools::k30),
    (31, pools::k31),
    (33, ports::k33),
    (34, ports::k34),
    (36, ports::k36),
    (38, clients::k38),
    (40, contexts::k40),
    (41, contexts::k41),
    (42, ports::k42),
    (43, clients::k43),
    (44, ports::k44),
    (45, contexts::k45),
    (46, contexts::k46),
    (47, contexts::k47),
    (48, contexts::k48),
    (49, timers::k49),
    (50, timers::k50),
    (51, contexts::k51),
    (54, timers::k54),
    (69, timers::k69),
    (78, timers::k78),
    (84, timers::k84),
    (85, timers::k85),
    (87, timers::k87),
    (91, timers::k91),
    (94, timers::k94),
    (98, timers::k98),
    (120, ports::k120),
    (122, clients::k122),
    (127, clients::k127),
    (128, timers::k128),
    (129, timers::k129),
    (133, clients::k133),
];
