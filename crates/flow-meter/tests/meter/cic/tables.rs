//! The columns of small flows, worked out by hand. What is not named is 0. TCP windows are 64240, TCP headers 20 bytes,
//! UDP headers 8. The first packet's size is twice in `Packet Length` and in `Average Packet Size`.

/// 30 bytes, and 100 bytes back after 20 ms. Sizes 30, 30, 100: mean 160/3, variance (2·(70/3)² + (140/3)²) / 2.
pub(super) const QUESTION: &str = "
    Flow Duration = 20000; Total Fwd Packet = 1; Total Bwd packets = 1;
    Total Length of Fwd Packet = 30; Total Length of Bwd Packet = 100;
    Fwd Packet Length Max = 30; Fwd Packet Length Min = 30; Fwd Packet Length Mean = 30;
    Bwd Packet Length Max = 100; Bwd Packet Length Min = 100; Bwd Packet Length Mean = 100;
    Flow Bytes/s = 6500; Flow Packets/s = 100;
    Flow IAT Mean = 20000; Flow IAT Max = 20000; Flow IAT Min = 20000;
    Fwd Header Length = 8; Bwd Header Length = 8; Fwd Packets/s = 50; Bwd Packets/s = 50;
    Packet Length Min = 30; Packet Length Max = 100; Packet Length Mean = 160/3;
    Packet Length Std = 40.414518843; Packet Length Variance = 4900/3;
    Down/Up Ratio = 1; Average Packet Size = 80; Fwd Segment Size Avg = 30; Bwd Segment Size Avg = 100;
    Fwd Seg Size Min = 8";

/// S, SA, A, 10 bytes, A, 20 bytes and the responder's FA, 10 ms apart. Forward at 0, 20 and 30 ms, backward at 10, 40,
/// 50 and 60. Sizes of all: 10, 20 and six times 0; variance 500/7 less 30²/8/7.
pub(super) const TEARDOWN: &str = "
    Flow Duration = 60000; Total Fwd Packet = 3; Total Bwd packets = 4;
    Total Length of Fwd Packet = 10; Total Length of Bwd Packet = 20;
    Fwd Packet Length Max = 10; Fwd Packet Length Mean = 10/3; Fwd Packet Length Std = 5.773502692;
    Bwd Packet Length Max = 20; Bwd Packet Length Mean = 5; Bwd Packet Length Std = 10;
    Flow Bytes/s = 500; Flow Packets/s = 7/0.06;
    Flow IAT Mean = 10000; Flow IAT Max = 10000; Flow IAT Min = 10000;
    Fwd IAT Total = 30000; Fwd IAT Mean = 15000; Fwd IAT Std = 7071.067811865; Fwd IAT Max = 20000;
    Fwd IAT Min = 10000;
    Bwd IAT Total = 50000; Bwd IAT Mean = 50000/3; Bwd IAT Std = 11547.005383793; Bwd IAT Max = 30000;
    Bwd IAT Min = 10000;
    Fwd Header Length = 60; Bwd Header Length = 80; Fwd Packets/s = 50; Bwd Packets/s = 4/0.06;
    Packet Length Max = 20; Packet Length Mean = 3.75; Packet Length Std = 7.440238091;
    Packet Length Variance = 387.5/7;
    FIN Flag Count = 1; SYN Flag Count = 2; PSH Flag Count = 2; ACK Flag Count = 6;
    Down/Up Ratio = 1; Average Packet Size = 30/7; Fwd Segment Size Avg = 10/3; Bwd Segment Size Avg = 5;
    FWD Init Win Bytes = 64240; Bwd Init Win Bytes = 64240; Fwd Act Data Pkts = 1; Fwd Seg Size Min = 20";

/// What is left of it: the initiator's FA and, 10 ms later, the last A.
pub(super) const REST: &str = "
    Flow Duration = 10000; Total Fwd Packet = 1; Total Bwd packets = 1; Flow Packets/s = 200;
    Flow IAT Mean = 10000; Flow IAT Max = 10000; Flow IAT Min = 10000;
    Fwd Header Length = 20; Bwd Header Length = 20; Fwd Packets/s = 100; Bwd Packets/s = 100;
    FIN Flag Count = 1; ACK Flag Count = 2; Down/Up Ratio = 1;
    FWD Init Win Bytes = 64240; Bwd Init Win Bytes = 64240; Fwd Seg Size Min = 20";

/// Forward S, FA and A at 0, 0.1 and 0.2 s (the second FA at 0.3 is lost), backward A and FA at 0.4 and 0.5. Gaps in
/// tenths of a second: 1, 1, 2, 1.
pub(super) const INITIATORS_FIN: &str = "
    Flow Duration = 500000; Total Fwd Packet = 3; Total Bwd packets = 2; Flow Packets/s = 10;
    Flow IAT Mean = 125000; Flow IAT Std = 50000; Flow IAT Max = 200000; Flow IAT Min = 100000;
    Fwd IAT Total = 200000; Fwd IAT Mean = 100000; Fwd IAT Max = 100000; Fwd IAT Min = 100000;
    Bwd IAT Total = 100000; Bwd IAT Mean = 100000; Bwd IAT Max = 100000; Bwd IAT Min = 100000;
    Fwd Header Length = 60; Bwd Header Length = 40; Fwd Packets/s = 6; Bwd Packets/s = 4;
    FIN Flag Count = 2; SYN Flag Count = 1; ACK Flag Count = 4;
    FWD Init Win Bytes = 64240; Bwd Init Win Bytes = 64240; Fwd Seg Size Min = 20";

/// S, and RA after 5 ms.
pub(super) const RESET: &str = "
    Flow Duration = 5000; Total Fwd Packet = 1; Total Bwd packets = 1; Flow Packets/s = 400;
    Flow IAT Mean = 5000; Flow IAT Max = 5000; Flow IAT Min = 5000;
    Fwd Header Length = 20; Bwd Header Length = 20; Fwd Packets/s = 200; Bwd Packets/s = 200;
    SYN Flag Count = 1; RST Flag Count = 1; ACK Flag Count = 1; Down/Up Ratio = 1;
    FWD Init Win Bytes = 64240; Bwd Init Win Bytes = 64240; Fwd Seg Size Min = 20";

/// Five times 100 bytes forward and once 50 back, 0.1 s apart: one bulk of 550 bytes in 0.5 s. Sizes of all: six times
/// 100 and 50, variance (62500 - 650²/7) / 6.
pub(super) const BULK: &str = "
    Flow Duration = 500000; Total Fwd Packet = 5; Total Bwd packets = 1;
    Total Length of Fwd Packet = 500; Total Length of Bwd Packet = 50;
    Fwd Packet Length Max = 100; Fwd Packet Length Min = 100; Fwd Packet Length Mean = 100;
    Bwd Packet Length Max = 50; Bwd Packet Length Min = 50; Bwd Packet Length Mean = 50;
    Flow Bytes/s = 1100; Flow Packets/s = 12;
    Flow IAT Mean = 100000; Flow IAT Max = 100000; Flow IAT Min = 100000;
    Fwd IAT Total = 400000; Fwd IAT Mean = 100000; Fwd IAT Max = 100000; Fwd IAT Min = 100000;
    Fwd Header Length = 40; Bwd Header Length = 8; Fwd Packets/s = 10; Bwd Packets/s = 2;
    Packet Length Min = 50; Packet Length Max = 100; Packet Length Mean = 650/7;
    Packet Length Std = 18.898223650; Packet Length Variance = 2500/7;
    Average Packet Size = 650/6; Fwd Segment Size Avg = 100; Bwd Segment Size Avg = 50;
    Bwd Bytes/Bulk Avg = 550; Bwd Packet/Bulk Avg = 6; Bwd Bulk Rate Avg = 1100;
    Fwd Act Data Pkts = 4; Fwd Seg Size Min = 8";

/// One byte at 0, 1, 10 and 11 s. A gap of exactly a second is within a subflow, so there is one gap between subflows.
/// The second active time, from 10 to 11 s, is not ended by anything and not counted.
pub(super) const IDLE: &str = "
    Flow Duration = 11000000; Total Fwd Packet = 4; Total Length of Fwd Packet = 4;
    Fwd Packet Length Max = 1; Fwd Packet Length Min = 1; Fwd Packet Length Mean = 1;
    Flow Bytes/s = 4/11; Flow Packets/s = 4/11;
    Flow IAT Mean = 11000000/3; Flow IAT Std = 4618802.153517; Flow IAT Max = 9000000; Flow IAT Min = 1000000;
    Fwd IAT Total = 11000000; Fwd IAT Mean = 11000000/3; Fwd IAT Std = 4618802.153517; Fwd IAT Max = 9000000;
    Fwd IAT Min = 1000000;
    Fwd Header Length = 32; Fwd Packets/s = 4/11;
    Packet Length Min = 1; Packet Length Max = 1; Packet Length Mean = 1;
    Average Packet Size = 1.25; Fwd Segment Size Avg = 1;
    Subflow Fwd Packets = 4; Subflow Fwd Bytes = 4; Fwd Act Data Pkts = 3; Fwd Seg Size Min = 8;
    Active Mean = 1000000; Active Max = 1000000; Active Min = 1000000;
    Idle Mean = 9000000; Idle Max = 9000000; Idle Min = 9000000";

/// One byte at 0, 60 and 119 s; the one at 121 s is in another flow. Two gaps between subflows, 3/2 in whole numbers.
pub(super) const CUT: &str = "
    Flow Duration = 119000000; Total Fwd Packet = 3; Total Length of Fwd Packet = 3;
    Fwd Packet Length Max = 1; Fwd Packet Length Min = 1; Fwd Packet Length Mean = 1;
    Flow Bytes/s = 3/119; Flow Packets/s = 3/119;
    Flow IAT Mean = 59500000; Flow IAT Std = 707106.781187; Flow IAT Max = 60000000; Flow IAT Min = 59000000;
    Fwd IAT Total = 119000000; Fwd IAT Mean = 59500000; Fwd IAT Std = 707106.781187; Fwd IAT Max = 60000000;
    Fwd IAT Min = 59000000;
    Fwd Header Length = 24; Fwd Packets/s = 3/119;
    Packet Length Min = 1; Packet Length Max = 1; Packet Length Mean = 1;
    Average Packet Size = 4/3; Fwd Segment Size Avg = 1;
    Subflow Fwd Packets = 1; Subflow Fwd Bytes = 1; Fwd Act Data Pkts = 2; Fwd Seg Size Min = 8;
    Idle Mean = 59500000; Idle Std = 707106.781187; Idle Max = 60000000; Idle Min = 59000000";
